import Datasets
import Foundation
import Recipes
import Tensors
import Testing

@Suite("Transforms that move pixels")
struct TransformTests {
  /// What each transform does to 2×2 pixels a b / c d, by what it may become.
  @Test(
    "pixels of all inputs and the target move together, to every place and no other",
    arguments: [
      (HorizontalFlip.name, ["abcd", "badc"]), (VerticalFlip.name, ["abcd", "cdab"]),
      (Transpose.name, ["abcd", "acbd"]), (RandomRotate90.name, ["abcd", "bdac", "dcba", "cadb"]),
    ])
  func symmetries(name: String, expected: [String]) throws {
    let change = try transform(name)
    let letters: [Float: Character] = [0: "a", 1: "b", 100: "c", 101: "d"]
    var counts: [String: Int] = [:]
    for index in 0..<400 {
      var random = augmentation(index)
      let result = try change(places(2, 2), &random)
      #expect(result.movesJointly)
      counts[String(result.targetValues.compactMap { letters[$0] }), default: 0] += 1
    }
    #expect(counts.keys.sorted() == expected.sorted())
    let least = 400 / expected.count * 3 / 4
    #expect(counts.values.allSatisfy { $0 > least }, "\(counts)")
    #expect(type(of: change).effect == .places && !type(of: change).isDeterministic)
  }

  @Test("a chance of 0 or 1 is kept, and images that are not square keep their shape")
  func chances() throws {
    for (name, isMoved) in [("horizontal-flip", true), ("vertical-flip", false)] {
      let change = try transform(name, [.init("probability", .integer(isMoved ? 1 : 0))])
      for index in 0..<20 {
        var random = augmentation(index)
        let result = try change(places(3, 5), &random)
        #expect(result.movesJointly && (result.values() != places(3, 5).values()) == isMoved)
      }
    }
    for name in ["transpose", "random-rotate90"] {
      var random = augmentation()
      let change = try transform(name)
      #expect(throws: DataError.self) { _ = try change(places(3, 5), &random) }
    }
  }

  @Test("a crop has the same place in all images, anywhere, and is refused where it is too large")
  func crop() throws {
    #expect(RandomCrop.effect == .extent)
    let change = try transform("random-crop", [.init("size", .list([.integer(3), .integer(4)]))])
    var corners: Set<Float> = []
    for index in 0..<200 {
      var random = augmentation(index)
      let result = try change(places(5, 6), &random)
      #expect(result.movesJointly && result.target?.shape == [1, 3, 4])
      let corner = result.targetValues[0]
      corners.insert(corner)
      #expect(result.targetValues[11] == corner + 203)
    }
    #expect(corners == [0, 1, 2, 100, 101, 102, 200, 201, 202])
    var random = augmentation()
    let error = #expect(throws: DataError.self) { _ = try change(places(2, 6), &random) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("2×6"))
    var mixed = places(5, 6)
    mixed.target = Tensor(zeros: [1, 4, 4])
    #expect(throws: DataError.self) { _ = try change(mixed, &random) }
  }

  /// torchvision: top = round((height − 3) / 2), halves to the even number.
  @Test(
    "the middle is torchvision's", arguments: [(6, 2), (7, 2), (8, 2), (9, 3), (10, 4), (3, 0)])
  func center(height: Int, top: Int) throws {
    #expect(CenterCrop.isDeterministic && CenterCrop.effect == .extent)
    let change = try transform("center-crop", [.init("size", .list([.integer(3), .integer(5)]))])
    var random = augmentation()
    let result = try change(places(height, 5), &random)
    #expect(result.movesJointly && result.targetValues.first == Float(100 * top))
    #expect(throws: DataError.self) { _ = try change(places(2, 5), &random) }
  }

  @Test("resize takes the nearest class, interpolates inputs and numbers, and counts the scale")
  func resize() throws {
    #expect(Resize.isDeterministic && Resize.effect == .scale)
    let change = try transform("resize", [.init("size", .integer(4))])
    var random = augmentation()
    let classes = try change(places(8, 8), &random)
    #expect(classes.inputs["a"]?.shape == [2, 4, 4] && classes.target?.shape == [1, 4, 4])
    #expect(Set(classes.targetValues).isSubset(of: places(8, 8).targetValues))
    #expect(classes.targetValues[0] == 101 && classes.pixelScale(of: "a") == 2)
    // In the middle the triangle filter is symmetric: the mean of its four pixels and their neighbors.
    #expect(abs(classes.values()[5] - 252.5) < 1e-3)
    let numbers = try change(places(8, 8, target: .values), &random)
    #expect(abs(numbers.targetValues[5] - 252.5) < 1e-3)
    let none = try change(places(8, 8, target: nil), &random)
    #expect(none.target == nil && none.values() == classes.values())
  }

  @Test("inputs of several sizes come to one, and a target on a grid of its own stays there")
  func grids() throws {
    var sample = places(8, 8, target: nil)
    sample.inputs["b"] = Tensor([Float](repeating: 3, count: 6), shape: [1, 2, 3])
    sample.target = Tensor([Float](repeating: 7, count: 30), shape: [1, 5, 6])
    var random = augmentation()
    let change = try transform("resize", [.init("size", .list([.integer(4), .integer(6)]))])
    let result = try change(sample, &random)
    #expect(result.inputs["b"]?.shape == [1, 4, 6] && result.inputs["a"]?.shape == [2, 4, 6])
    #expect(result.target?.shape == [1, 5, 6])
    #expect(abs(result.pixelScale(of: "b") - 0.5) < 1e-12)
  }

  @Test("one side can be given, the other follows as torchvision rounds it")
  func aspect() throws {
    let options: [PlainValue.Field] = [
      .init("size", .integer(3)), .init("keep_aspect", .boolean(true)),
    ]
    let change = try transform("resize", options)
    var random = augmentation()
    for (height, width, shape) in [(4, 7, [3, 5]), (7, 4, [5, 3]), (6, 6, [3, 3])] {
      let result = try change(places(height, width), &random)
      #expect(result.target.map { Array($0.shape.dropFirst()) } == shape)
    }
    #expect(throws: (any Error).self) {
      try transform(
        "resize",
        [.init("size", .list([.integer(3), .integer(3)])), .init("keep_aspect", .boolean(true))])
    }
  }

  @Test("parts have a uniform share of the area, and ratios uniform in their logarithm")
  func resizedCrop() throws {
    let change = try #require(
      try transform(
        "random-resized-crop",
        [
          .init("size", .integer(6)), .init("scale", numbers(0.1, 0.4)),
          .init("ratio", numbers(0.5, 2)),
        ]) as? RandomResizedCrop)
    var (shares, ratios, tops): ([Double], [Double], [Double]) = ([], [], [])
    for index in 0..<4000 {
      var random = augmentation(index)
      let part = change.part(height: 400, width: 400, &random)
      #expect(part.rows.upperBound <= 400 && part.columns.upperBound <= 400)
      shares.append(Double(part.rows.count * part.columns.count) / 160_000)
      ratios.append(log(Double(part.columns.count) / Double(part.rows.count)))
      tops.append(Double(part.rows.lowerBound) / Double(400 - part.rows.count))
    }
    func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
      let mean = values.reduce(0, +) / Double(values.count)
      let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return (mean, square.squareRoot())
    }
    // A uniform number has the deviation width/√12; the mean of 4,000 is off by a hundredth of width.
    let (share, ratio, top) = (moments(shares), moments(ratios), moments(tops))
    #expect(abs(share.mean - 0.25) < 0.006 && abs(share.deviation - 0.3 / 12.squareRoot()) < 0.003)
    #expect(abs(ratio.mean) < 0.03 && abs(ratio.deviation - 2 * log(2) / 12.squareRoot()) < 0.02)
    #expect(abs(top.mean - 0.5) < 0.02)
  }

  @Test("a part that never fits becomes the largest middle part of an allowed shape")
  func resizedCropFallback() throws {
    let change = try #require(
      try transform(
        "random-resized-crop",
        [
          .init("size", .integer(4)), .init("scale", numbers(0.9, 1)),
          .init("ratio", numbers(0.9, 1.1)),
        ]) as? RandomResizedCrop)
    var random = augmentation()
    let wide = change.part(height: 10, width: 100, &random)
    #expect(wide.rows == 0..<10 && wide.columns == 44..<55)
    let tall = change.part(height: 99, width: 9, &random)
    #expect(tall.rows == 44..<54 && tall.columns == 0..<9)
    let result = try change(places(10, 100), &random)
    #expect(result.inputs["b"]?.shape == [1, 4, 4] && result.target?.shape == [1, 4, 4])
    #expect(abs(result.pixelScale(of: "a") - (110.0 / 16).squareRoot()) < 1e-12)
    #expect(throws: (any Error).self) {
      try transform(
        "random-resized-crop", [.init("size", .integer(4)), .init("scale", numbers(0.5, 1.5))])
    }
  }
}
