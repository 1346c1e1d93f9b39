import Datasets
import Recipes
import Tensors
import Testing

/// Written by `Golden/make_rotation.py`.
private struct GoldenRotation: Decodable {
  struct Case: Decodable {
    let degrees: Double
    let filter: String
    let values: String
  }
  let shape: [Int]
  let image: String
  let cases: [Case]
}

/// A rotation by exactly this angle.
private func rotation(_ degrees: Double, _ more: [PlainValue.Field] = []) throws -> any Transform {
  try transform("rotate", [.init("degrees", numbers(degrees, degrees))] + more)
}

@Suite("Rotate")
struct RotateTests {
  @Test("agrees with torchvision, between pixels and by the nearest")
  func agrees() throws {
    let golden = try GoldenFiles.stored("rotation.json", as: GoldenRotation.self)
    let image = Tensor(try GoldenFiles.floats(golden.image), shape: [1] + golden.shape)
    for stored in golden.cases {
      let turn = try rotation(
        stored.degrees, [.init("interpolation", .text(stored.filter))])
      var random = augmentation()
      let sample = ImageSample(inputs: ["x": image], target: image, meaning: .image)
      let result = try turn(sample, &random)
      let expected = try GoldenFiles.floats(stored.values)
      // torchvision finds places in single precision: 2e-6 of a pixel between values 3 apart.
      let difference = largestDifference(result.values("x"), expected)
      #expect(difference < 1e-5, "\(stored.filter) by \(stored.degrees): \(difference)")
      // A clean image is turned as its input is.
      #expect(result.targetValues == result.values("x"))
    }
    #expect(golden.cases.count == 6)
  }

  @Test("classes outside are ignored, numbers outside unknown, inputs outside filled")
  func outside() throws {
    let turn = try rotation(45, [.init("fill", .integer(-9))])
    var random = augmentation()
    let classes = try turn(places(9, 9), &random)
    #expect(classes.targetValues[0] == 255 && classes.targetValues[40] == 404)
    #expect(Set(classes.targetValues).isSubset(of: places(9, 9).targetValues + [255]))
    #expect(classes.values()[0] == -9 && classes.values("b")[0] == -9)
    let numbers = try turn(places(9, 9, target: .values), &random)
    #expect(numbers.targetValues[0].isNaN && abs(numbers.targetValues[40] - 404) < 1e-3)
    #expect(!numbers.targetValues.contains(-9))
  }

  @Test("an unknown number spreads no farther than where it has half of the weight")
  func unknown() throws {
    var sample = places(9, 9, target: .values)
    let target = Tensor([Float](repeating: 2, count: 81), shape: [1, 9, 9])
    target.withMutableElements(of: Float.self) { $0[40] = .nan }
    sample.target = target
    var random = augmentation()
    let turn = try rotation(20)
    let values = try turn(sample, &random).targetValues
    // The middle stays where it is; around it the other pixels stand for it.
    #expect(values[40].isNaN && values.filter { $0.isNaN }.count < 20)
    #expect([30, 31, 32, 39, 41, 48, 49, 50].allSatisfy { abs(values[$0] - 2) < 1e-5 })
  }

  @Test("the angle is uniform, or one of two where it is fixed, and only with its chance")
  func angles() throws {
    #expect(Rotate.effect == .places)
    // The pixel right of the middle goes up by sin of the angle.
    var image = [Float](repeating: 0, count: 21 * 21)
    for place in image.indices { image[place] = Float(place % 21) - 10 }
    let sample = ImageSample(inputs: ["x": Tensor(image, shape: [1, 21, 21])])
    func sines(_ options: [PlainValue.Field]) throws -> [Float] {
      let turn = try transform("rotate", options)
      return try (0..<300).map { index in
        var random = augmentation(index)
        // Ten rows above the middle came from −10 · sin(angle) columns beside it.
        return try turn(sample, &random).values("x")[5 * 21 + 10] / 5
      }
    }
    let uniform = try sines([.init("degrees", .integer(10))])
    #expect(abs((uniform.max() ?? 0) - 0.1736) < 0.004)
    #expect(abs((uniform.min() ?? 0) + 0.1736) < 0.004)
    #expect(Set(uniform).count > 290)
    let fixed = try sines([
      .init("degrees", .integer(10)), .init("fixed", .boolean(true)),
      .init("probability", .number(0.5)),
    ])
    let still = fixed.count { $0 == 0 }
    #expect(still > 120 && still < 180)
    #expect(fixed.allSatisfy { $0 == 0 || abs(abs($0) - 0.17365) < 1e-4 })
    #expect(fixed.contains { $0 > 0 } && fixed.contains { $0 < 0 })
    #expect(throws: (any Error).self) { try transform("rotate", [.init("degrees", numbers(3, 1))]) }
  }
}
