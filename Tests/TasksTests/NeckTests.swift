import Layers
import Recipes
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("Necks")
struct NeckTests {
  private func neck(
    _ name: String, _ options: PlainValue = [:], width: Int = 8, blocks: Int = 4,
    offersNormalizedMaps: Bool = true
  ) throws -> (neck: any Neck, tree: ModuleTree) {
    let type = try necks.entry(named: name)
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(plain: options, at: SourceLocation(source: "test"), path: "model.neck"),
      type.options, diagnostics)
    let builder = ModelBuilder()
    let neck = type.init(
      reader,
      features: FeatureShape(
        width: width, blocks: blocks, patch: [16, 16], offersNormalizedMaps: offersNormalizedMaps),
      in: builder.root / "neck", diagnostics)
    try diagnostics.throwErrors()
    builder.tree.initialize(seed: 1)
    return (neck, builder.tree)
  }

  private func features(_ blocks: [Int], grid: [Int] = [6, 4]) -> Features {
    var features = Features()
    for block in blocks {
      features.maps[block] = FiniteDifferences.values([2, 8] + grid, seed: block).cast(to: .f32)
    }
    return features
  }

  @Test("make the levels that they announce", arguments: necks.names, [[16, 8], [17, 11]])
  func levels(name: String, grid: [Int]) throws {
    let (neck, _) = try neck(name)
    let maps = features(neck.blocks, grid: grid)
    let result = neck(maps, .evaluation)
    #expect(result.maps.count == 4)
    let announced = neck.features.pyramid.map { level in
      [2, level.width] + neck.features.size(of: level, imageSize: grid.map { 16 * $0 })
    }
    #expect(result.pyramid.map(\.shape) == announced)
    #expect(neck.features.width == 8 && announced.count == 4)
  }

  @Test(
    "have the widths and sizes of the specification",
    arguments: [
      (LearnedNeck.name, [2, 4, 8, 8], [24, 12, 6, 3]),
      (FeatureToPyramidNeck.name, [8, 8, 8, 8], [24, 12, 6, 3]),
      (InterpolationNeck.name, [8, 8, 8, 8], [96, 48, 24, 12]),
      (MaxPoolNeck.name, [8, 8, 8, 8], [6, 3, 1, 0]),
    ])
  func geometry(name: String, widths: [Int], heights: [Int]) throws {
    let shape = try neck(name).neck.features
    #expect(shape.pyramid.map(\.width) == widths)
    #expect(shape.pyramid.map { shape.size(of: $0, imageSize: [96, 96])[0] } == heights)
  }

  @Test(
    "take four blocks at even distances, the last among them",
    arguments: [
      (12, [2, 5, 8, 11]), (24, [5, 11, 17, 23]), (4, [0, 1, 2, 3]), (6, [0, 2, 3, 5]),
    ])
  func standardBlocks(depth: Int, blocks: [Int]) throws {
    #expect(try neck("learned", blocks: depth).neck.blocks == blocks)
  }

  @Test("keep the maps' order, and maps of any number without parameters")
  func order() throws {
    let maximum = try neck("maxpool", ["blocks": [3, 0]]).neck
    let maps = features([0, 3])
    let pyramid = maximum(maps, .evaluation).pyramid
    #expect(pyramid.count == 2)
    #expect(pyramid[0].bits == maps.maps[3]?.bits)
    #expect(pyramid[1].bits == maps.maps[0]?.maxPooled(by: 2).bits)
    let interpolation = try neck("interpolate", ["blocks": [1]]).neck
    let enlarged = interpolation(features([1]), .evaluation)
    #expect(enlarged.pyramid.map(\.shape) == [[2, 8, 12, 8]])
    let source = try #require(features([1]).maps[1])
    let corners = enlarged.pyramid[0].sliced(axis: 2, 4..<5).sliced(axis: 3, 5..<6)
    #expect(corners.bits == source.sliced(axis: 2, 2..<3).sliced(axis: 3, 2..<3).bits)
  }

  @Test(
    "take no map, the last or all after the backbone's final norm",
    arguments: [("none", 0), ("last", 1), ("all", 4)])
  func norms(norm: String, count: Int) throws {
    let (neck, tree) = try neck("maxpool", ["norm": .text(norm)])
    #expect(tree.parameters.isEmpty)
    var features = features(neck.blocks)
    features.normalizedMaps = features.maps.mapValues { $0.scaled(by: -1) }
    for (index, map) in neck.input(features).enumerated() {
      let expected = index >= 4 - count ? features.normalizedMaps[index] : features.maps[index]
      #expect(map.bits == expected?.bits, "\(index)")
    }
    let error = #expect(throws: RecipeError.self) {
      try self.neck("maxpool", ["norm": "all"], offersNormalizedMaps: false)
    }
    #expect(
      try #require(error).description.contains(
        "model.neck.norm: the backbone has no maps after its final norm; leave norm at none"))
  }

  @Test("name their parameters as terratorch and pangaea do")
  func names() throws {
    let norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    func expected(_ fourfold: String, _ twofold: String) -> Set<String> {
      Set(
        ["\(fourfold).0", "\(fourfold).3", "\(twofold).0"].flatMap {
          ["\($0).weight", "\($0).bias"]
        } + norm.map { "\(fourfold).1.\($0)" })
    }
    let learned = try neck("learned").tree.stored.map(\.path)
    #expect(Set(learned) == expected("neck.fpn1", "neck.fpn2"))
    let same = try neck("feature2pyramid").tree.stored.map(\.path)
    #expect(Set(same) == expected("neck.ops.0", "neck.ops.1"))
    let transformers = try #require(
      FeatureToPyramidNeck.layouts.first { $0.name == "transformers" })
    #expect(transformers.key(of: "neck.ops.0.1.running_mean") == "fpn1.normalization.running_mean")
    #expect(transformers.key(of: "neck.ops.1.0.weight") == "fpn2.weight")
    #expect(
      LearnedNeck.layouts.map { $0.key(of: "neck.fpn1.0.weight") }.allSatisfy {
        $0 == "neck.fpn1.0.weight"
      })
  }

  private static let refused: [(String, PlainValue, Int, Int, String)] = [
    ("learned", ["blocks": [0, 1, 2, 4]], 8, 4, "there is no block 4"),
    ("learned", ["blocks": [0, 1, 2]], 8, 4, "3 blocks are named; name 4"),
    ("interpolate", ["blocks": []], 8, 4, "0 blocks are named; name 1 to 16"),
    ("maxpool", [:], 8, 3, "the backbone has 3 blocks, fewer than the 4 maps"),
    ("learned", [:], 6, 4, "the backbone's width 6 cannot be halved twice; use neck"),
  ]

  @Test(
    "refuse blocks that the backbone lacks, and widths that cannot be halved", arguments: refused)
  func refusals(name: String, options: PlainValue, width: Int, blocks: Int, text: String) throws {
    let error = #expect(throws: RecipeError.self) {
      try neck(name, options, width: width, blocks: blocks)
    }
    #expect(try #require(error).description.contains(text))
  }

  @Test("refuse images of too few tokens for their smallest level")
  func smallImages() throws {
    let learned = try neck("learned").neck
    try learned.check(imageSize: [32, 48])
    let error = #expect(throws: TaskError.self) { try learned.check(imageSize: [16, 48]) }
    #expect(
      try #require(error).description
        == "neck learned: for images of 16 × 48 pixels its maps are 4 × 12, 2 × 6, 1 × 3, 0 × 1. "
        + "Use an image of 32 × 32 pixels or more.")
    let maximum = try neck("maxpool").neck
    #expect(throws: TaskError.self) { try maximum.check(imageSize: [96, 96]) }
    try maximum.check(imageSize: [128, 128])
    try neck("interpolate").neck.check(imageSize: [16, 16])
  }
}
