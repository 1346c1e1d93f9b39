import Datasets
import Foundation
import Recipes
import Tensors
import Testing

/// Random-looking values of two inputs, and a target that must stay.
private func scene() -> ImageSample {
  func wave(_ bands: Int, _ start: Double) -> Tensor {
    Tensor(
      (0..<(bands * 64)).map { Float(sin(start + 1.7 * Double($0))) }, shape: [bands, 8, 8])
  }
  return ImageSample(
    inputs: ["s1": wave(2, 0), "s2": wave(5, 0.3)],
    target: Tensor((0..<64).map { Float($0 % 3) }, shape: [1, 8, 8]),
    meaning: .classes(ignored: 255))
}

/// Results of many samples; each keeps the target.
private func results(
  _ name: String, _ options: [PlainValue.Field], _ count: Int = 200
) throws -> [ImageSample] {
  let change = try transform(name, options)
  #expect(type(of: change).effect == .values)
  return try (0..<count).map { index in
    var random = augmentation(index)
    let result = try change(scene(), &random)
    #expect(result.targetValues == scene().targetValues)
    #expect(result.inputs["s2"]?.shape == [5, 8, 8])
    return result
  }
}

@Suite("Transforms of values")
struct RadiometryTests {
  @Test("noise has its deviation, differs between bands, inputs and samples")
  func noise() throws {
    #expect(AddedNoise.name == "gaussian-noise")
    let all = try results("gaussian-noise", [.init("std", .number(0.2))], 20)
    var draws: [Double] = []
    for name in ["s1", "s2"] {
      for result in all {
        draws += zip(result.values(name), scene().values(name)).map { Double($0 - $1) }
      }
    }
    let count = Double(draws.count)
    let mean = draws.reduce(0, +) / count
    let deviation = (draws.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
    #expect(abs(mean) < 0.01 && abs(deviation - 0.2) < 0.01)
    #expect(Set(draws.map { Float($0) }).count > draws.count * 9 / 10)
  }

  @Test("dropped bands take the fill, others stay; one of each input is always left")
  func bandDropout() throws {
    func dropped(_ options: [PlainValue.Field]) throws -> [(s1: [Int], s2: [Int])] {
      try results(BandDropout.name, options + [.init("fill", .integer(7))]).map { result in
        func bands(_ name: String) -> [Int] {
          let (before, after) = (scene().values(name), result.values(name))
          return (0..<(after.count / 64)).filter { band in
            let range = (band * 64)..<((band + 1) * 64)
            if after[range].allSatisfy({ $0 == 7 }) { return true }
            #expect(after[range] == before[range])
            return false
          }
        }
        return (bands("s1"), bands("s2"))
      }
    }
    let drawn = try dropped([.init("probability", .number(0.3))])
    let share = Double(drawn.reduce(0) { $0 + $1.s2.count }) / 1000
    #expect(abs(share - 0.3) < 0.05)
    #expect(Set(drawn.flatMap(\.s2)) == [0, 1, 2, 3, 4] && drawn.allSatisfy { $0.s1.count < 2 })
    let all = try dropped([.init("probability", .integer(1))])
    #expect(all.allSatisfy { $0.s1.count == 1 && $0.s2.count == 4 })
    #expect(Set(all.map { Set(0..<5).subtracting($0.s2) }).count == 5)
    let two = try dropped([.init("number", .integer(2))])
    #expect(two.allSatisfy { $0.s1.count == 1 && $0.s2.count == 2 })
    #expect(Set(two.map(\.s2)).count > 9)
    let some = try dropped([.init("number", .list([.integer(0), .integer(3)]))])
    #expect(Set(some.map(\.s2.count)) == [0, 1, 2, 3])
    for wrong: [PlainValue.Field] in [
      [], [.init("probability", .number(0.1)), .init("number", .integer(1))],
      [.init("number", .list([.integer(3), .integer(1)]))],
    ] {
      #expect(throws: (any Error).self) { try transform("band-dropout", wrong) }
    }
  }

  @Test("bands are shuffled within their groups, each group with its chance, inputs apart")
  func bandPermutation() throws {
    func inputs(_ bands: Int) -> Tensor {
      Tensor((0..<(bands * 4)).map { Float($0 / 4) }, shape: [bands, 2, 2])
    }
    func order(_ image: Tensor?) throws -> [Float] {
      let values = try #require(image).elements(as: Float.self)
      return stride(from: 0, to: values.count, by: 4).map { first in
        #expect(values[first..<(first + 4)].allSatisfy { $0 == values[first] })
        return values[first]
      }
    }
    #expect(BandPermutation.effect == .values)
    let change = try transform("band-permutation", [.init("group", .integer(3))])
    let sample = ImageSample(inputs: ["s1": inputs(3), "s2": inputs(6)])
    var (seen, still): (Set<[Float]>, Int) = ([], 0)
    for index in 0..<1500 {
      var random = augmentation(index)
      let result = try change(sample, &random)
      let (one, two) = (try order(result.inputs["s1"]), try order(result.inputs["s2"]))
      #expect(one.sorted() == [0, 1, 2])
      #expect(two.prefix(3).sorted() == [0, 1, 2] && two.suffix(3).sorted() == [3, 4, 5])
      seen.insert(two)
      if one == [0, 1, 2] { still += 1 }
    }
    // Half are not shuffled, and one of six orders is the old one: 7/12 stay.
    #expect(seen.count == 36 && abs(still - 875) < 80)
    var random = augmentation()
    let four = try transform("band-permutation", [.init("group", .integer(4))])
    #expect(throws: DataError.self) { _ = try four(sample, &random) }
  }

  @Test("brightness shifts all bands of an input alike, each input by its own number")
  func brightness() throws {
    let all = try results(Brightness.name, [.init("amount", .number(0.4))])
    var shifts: [Float] = []
    for result in all {
      let own = ["s1", "s2"].map { name in
        let differences = zip(result.values(name), scene().values(name)).map { $0 - $1 }
        #expect(differences.allSatisfy { abs($0 - differences[0]) < 1e-6 })
        return differences[0]
      }
      #expect(own[0] != own[1])
      shifts += own
    }
    #expect((shifts.max() ?? 0) > 0.37 && (shifts.max() ?? 1) <= 0.4)
    #expect((shifts.min() ?? 0) < -0.37 && (shifts.min() ?? -1) >= -0.4)
  }

  @Test("contrast keeps the mean of each band and stretches all bands of an input alike")
  func contrast() throws {
    let all = try results(Contrast.name, [.init("amount", .number(0.5))])
    var factors: [Float] = []
    for result in all {
      let (before, after) = (scene().values("s2"), result.values("s2"))
      for band in 0..<5 {
        let range = (band * 64)..<((band + 1) * 64)
        let (old, new): (Float, Float) = (
          before[range].reduce(0, +) / 64, after[range].reduce(0, +) / 64
        )
        #expect(abs(old - new) < 1e-5)
        let factor = (after[range.lowerBound] - old) / (before[range.lowerBound] - old)
        if band == 0 { factors.append(factor) }
        #expect(range.allSatisfy { abs(after[$0] - old - factor * (before[$0] - old)) < 1e-4 })
        #expect(abs(factor - (factors.last ?? 0)) < 1e-4)
      }
    }
    #expect((factors.max() ?? 0) > 1.45 && (factors.min() ?? 0) < 0.55)
  }

  @Test("clip bounds inputs, below, above or both, and works in evaluation")
  func clip() throws {
    #expect(Clip.isDeterministic)
    let both = try results("clip", [.init("min", .number(-0.5)), .init("max", .number(0.25))], 1)
    #expect(both[0].values("s1") == scene().values("s1").map { min(max($0, -0.5), 0.25) })
    let low = try results("clip", [.init("min", .number(0.1))], 1)
    #expect(low[0].values("s2") == scene().values("s2").map { max($0, 0.1) })
    #expect(throws: (any Error).self) { try transform("clip") }
    #expect(throws: (any Error).self) {
      try transform("clip", [.init("min", .integer(2)), .init("max", .integer(1))])
    }
  }

  @Test("one rectangle is erased in all bands of all inputs, of the asked share")
  func erase() throws {
    let all = try results(
      Erase.name,
      [
        .init("probability", .number(0.5)), .init("scale", numbers(0.1, 0.3)),
        .init("fill", .integer(9)),
      ], 400)
    var sizes: [Int] = []
    for result in all {
      let first = result.values("s1").prefix(64).enumerated().filter { $1 == 9 }.map(\.offset)
      for (name, bands) in [("s1", 2), ("s2", 5)] {
        let values = result.values(name)
        let erased = values.indices.filter { values[$0] == 9 }
        #expect(erased == (0..<bands).flatMap { band in first.map { $0 + band * 64 } })
        #expect(
          values.indices.allSatisfy { values[$0] == 9 || values[$0] == scene().values(name)[$0] })
      }
      let (rows, columns) = (Set(first.map { $0 / 8 }), Set(first.map { $0 % 8 }))
      #expect(first.count == rows.count * columns.count)
      if !first.isEmpty { sizes.append(first.count) }
    }
    #expect(sizes.count > 160 && sizes.count < 240)
    // Sides are rounded to pixels: 6.4 to 19.2 of 64 become 4 (2×2) to 24.
    #expect(sizes.allSatisfy { $0 >= 4 && $0 <= 24 })
    let mean = Double(sizes.reduce(0, +)) / Double(sizes.count)
    #expect(abs(mean - 12.8) < 1.2)
  }
}
