import Datasets
import Formats
import Foundation
import Recipes
import TestSupport
import Testing

@Suite("Splits of a scene") struct SceneSplitTests {
  /// Three classes in fields of some size, with unlabelled pixels between.
  static let labels = SceneLabels(
    width: 60, height: 50,
    classes: (0..<3000).map { pixel in
      let (row, column) = (pixel / 60, pixel % 60)
      return row % 10 == 9 || column % 12 == 11 ? -1 : (row / 10 + column / 12) % 3
    }, classNames: ["a", "b", "c"])

  static let methods: [SceneSplit.Method] = [
    .random(fractions: [0.3, 0.2, 0.5]),
    .stratified(fractions: [0.3, 0.2, 0.5], minimumPerClass: 1),
    .perClassCount(train: 30, validation: 20),
    .spatialBlocks(fractions: [0.4, 0.2, 0.4], side: 12),
    .controlled(fractions: [0.3, 0.2, 0.5]),
  ]

  @Test("every labelled pixel is in one part, and the seed alone decides", arguments: methods)
  func parts(method: SceneSplit.Method) throws {
    let split = SceneSplit(method, seed: 7)
    let partition = try split.partition(Self.labels, patch: 5)
    let all = SplitPart.allCases.flatMap { partition.parts[$0] ?? [] }
    #expect(Set(all).count == all.count)
    #expect(all.allSatisfy { Self.labels.classes[$0] >= 0 })
    #expect(all.count + partition.droppedCount == Self.labels.labelled.count)
    if case .spatialBlocks = method {} else { #expect(partition.droppedCount == 0) }
    #expect(try split.partition(Self.labels, patch: 5) == partition)
    #expect(try SceneSplit(method, seed: 8).partition(Self.labels, patch: 5) != partition)
    for part in SplitPart.allCases {
      let counts = try #require(partition.counts[part])
      #expect(counts.reduce(0, +) == partition.parts[part]?.count)
      #expect(counts.allSatisfy { $0 > 0 })
    }
  }

  @Test("shares are kept class by class, counts as given") func numbers() throws {
    let perClass = (0..<3).map { label in Self.labels.classes.count { $0 == label } }
    let stratified = try SceneSplit(Self.methods[1]).partition(Self.labels, patch: 5)
    for (label, count) in perClass.enumerated() {
      for (part, share) in zip(SplitPart.allCases, [0.3, 0.2, 0.5]) {
        let found = Double(stratified.counts[part]?[label] ?? 0)
        #expect(abs(found - share * Double(count)) < 1)
      }
    }
    let counted = try SceneSplit(Self.methods[2]).partition(Self.labels, patch: 5)
    #expect(counted.counts[.train] == [30, 30, 30])
    #expect(counted.counts[.val] == [20, 20, 20])
    let limited = try SceneSplit(Self.methods[1], limits: [.train: .count(30)])
      .partition(Self.labels, patch: 5)
    #expect(limited.parts[.train]?.count == 30)
    #expect(limited.counts[.train]?.allSatisfy { $0 >= 9 } == true)
  }

  @Test("small classes give at most half, and have one pixel in training") func smallClasses()
    throws
  {
    var classes = [Int](repeating: 0, count: 400)
    for pixel in 0..<6 { classes[pixel * 7] = 1 }
    classes[399] = 2
    let labels = SceneLabels(width: 20, height: 20, classes: classes, classNames: ["a", "b", "c"])
    let counted = try SceneSplit(.perClassCount(train: 50, validation: 50))
      .partition(labels, patch: 3)
    #expect(counted.counts[.train] == [50, 3, 1])
    #expect(counted.counts[.val] == [50, 1, 0])
    #expect(counted.counts[.test] == [293, 2, 0])
    let stratified = try SceneSplit(
      .stratified(fractions: [0.02, 0.01, 0.97], minimumPerClass: 1)
    ).partition(labels, patch: 3)
    #expect(stratified.counts[.train]?.dropFirst() == [1, 1])
    #expect(stratified.counts[.val]?.dropFirst() == [1, 0])
    let error = #expect(throws: DataError.self) {
      try SceneSplit(.stratified(fractions: [0.02, 0, 0.98], minimumPerClass: 0))
        .partition(labels, patch: 3)
    }
    #expect(error == .classesNotTrained(names: ["b", "c"], part: "train"))
  }

  @Test("blocks keep patches of different parts apart, at corners too", arguments: [3, 5, 7])
  func guardBand(patch: Int) throws {
    let dense = SceneLabels(
      width: 60, height: 60, classes: (0..<3600).map { $0 % 3 }, classNames: ["a", "b", "c"])
    for seed in 0..<8 {
      let split = SceneSplit(
        .spatialBlocks(fractions: [0.4, 0.2, 0.4], side: 15), seed: UInt64(seed))
      let partition = try split.partition(dense, patch: patch)
      #expect(partition.insideShare == 0 && partition.touchingShare == 0)
      #expect(try #require(partition.distance) >= patch)
      #expect(partition.parts.count == 3)
      var nearest = Int.max
      for (one, other) in [(SplitPart.train, SplitPart.val), (.val, .test), (.train, .test)] {
        for a in partition.parts[one] ?? [] {
          for b in partition.parts[other] ?? [] {
            nearest = min(nearest, max(abs(a / 60 - b / 60), abs(a % 60 - b % 60)))
          }
        }
      }
      #expect(nearest == patch)
    }
    let error = #expect(throws: DataError.self) {
      try SceneSplit(.spatialBlocks(fractions: [0.4, 0.2, 0.4], side: 2 * patch - 1))
        .partition(Self.labels, patch: patch)
    }
    #expect(error?.description.contains("data.split.block") == true)
  }

  @Test("regions grow inside fields, so that fewer patches overlap than at random")
  func regions() throws {
    let grown = try SceneSplit(Self.methods[4]).partition(Self.labels, patch: 5)
    let random = try SceneSplit(Self.methods[1]).partition(Self.labels, patch: 5)
    #expect(grown.insideShare < random.insideShare - 0.2)
    // Every field of 9×11 or fewer pixels gives its share.
    let counts = try #require(grown.counts[.train]).reduce(0, +)
    #expect(abs(Double(counts) / Double(Self.labels.labelled.count) - 0.3) < 0.02)
  }

  @Test("masks give the parts; validation may be a share of training") func masks() throws {
    let left = (0..<3000).map { $0 % 60 < 30 }
    let split = SceneSplit(
      .masks([.train: left, .test: left.map { !$0 }], validationShare: 0.25))
    let partition = try split.partition(Self.labels, patch: 5)
    let training = Self.labels.labelled.filter { left[$0] }.count
    #expect(partition.parts[.val]?.count == Int((0.25 * Double(training)).rounded()))
    #expect(partition.parts[.test]?.allSatisfy { $0 % 60 >= 30 } == true)
    #expect(partition.droppedCount == 0)
  }

  @Test("overlap of patches is measured pixel by pixel") func overlap() throws {
    // A row of ten labelled pixels: one for training, two to the right for testing.
    let classes = (0..<10).map { [0, 3, 9].contains($0) ? 0 : -1 }
    let labels = SceneLabels(width: 10, height: 1, classes: classes, classNames: ["a"])
    let masks: [SplitPart: [Bool]] = [
      .train: (0..<10).map { $0 == 0 }, .test: (0..<10).map { $0 > 0 },
    ]
    func measured(_ patch: Int) throws -> [Double] {
      let found = try SceneSplit(.masks(masks, validationShare: nil))
        .partition(labels, patch: patch)
      #expect(found.distance == 3)
      return [found.insideShare, found.touchingShare]
    }
    #expect(try measured(3) == [0, 0])
    #expect(try measured(5) == [0, 0.5])
    #expect(try measured(7) == [0.5, 0.5])
    #expect(try measured(11) == [0.5, 1])
    var bounded = SceneSplit(.masks(masks, validationShare: nil))
    bounded.maximumLeak = 0.4
    let error = #expect(throws: DataError.self) { try bounded.partition(labels, patch: 7) }
    #expect(error == .leakTooLarge(found: 0.5, allowed: 0.4))
    bounded.maximumLeak = 0.5
    #expect(try bounded.partition(labels, patch: 7).insideShare == 0.5)
  }

  @Test(
    "published label images leak as much as was measured with another program",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: [
      ("Indian_pines_gt", "indian_pines_gt", 0.02, 9, 0.726, 0.993),
      ("Indian_pines_gt", "indian_pines_gt", 0.10, 9, 0.998, 1),
      ("PaviaU_gt", "paviaU_gt", 0.02, 15, 0.867, 0.982),
      ("Salinas_gt", "salinas_gt", 0.02, 9, 0.772, 0.991),
    ])
  func published(
    file: String, variable: String, share: Double, patch: Int, inside: Double, touching: Double
  ) throws {
    let path = Shared.path("data/hyperspectral/ground_truth_only/\(file).mat")
    let values = try MATFile(path: path).integers(variable)
    let names = (0..<(values.elements.max() ?? 0)).map { "class \($0 + 1)" }
    let labels = SceneLabels(
      width: values.shape[1], height: values.shape[0], classes: values.elements.map { $0 - 1 },
      classNames: names)
    let partition = try SceneSplit(
      .stratified(fractions: [share, 0, 1 - share], minimumPerClass: 1), seed: 345
    ).partition(labels, patch: patch)
    // Other random numbers: the shares vary by about a percent between seeds.
    #expect(abs(partition.insideShare - inside) < 0.02, "\(partition.insideShare)")
    #expect(abs(partition.touchingShare - touching) < 0.01, "\(partition.touchingShare)")
    #expect(partition.notes.first?.contains("of the test pixels lie inside") == true)
  }
}
