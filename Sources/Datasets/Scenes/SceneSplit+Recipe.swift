import Recipes

extension SceneOptions.Split {
  /// Reads `data.split`; nil where an error was left in `diagnostics`.
  init?(_ section: SplitSection, _ diagnostics: Diagnostics) {
    let fractions = Option(
      "fractions", .list(.number, count: 3...3), default: .required, range: .within(0...1),
      "shares of training, validation and test part")
    let name = section.method.name
    func reader(_ table: OptionTable) -> OptionReader {
      OptionReader(section.method, table, diagnostics)
    }
    var split = SceneSplit(
      .random(fractions: []), seed: UInt64(section.seed), limits: section.partLimits)
    split.maximumLeak = section.maximumLeak
    switch name {
    case "random":
      split.method = .random(fractions: reader([fractions]).numbers("fractions"))
    case "stratified":
      let least = Option(
        "min_per_class", .integer, default: 1, range: .atLeast(0), unit: "pixels",
        "fewest pixels of a class in a part")
      let reader = reader([fractions, least])
      split.method = .stratified(
        fractions: reader.numbers("fractions"), minimumPerClass: reader.int("min_per_class"))
    case "per_class_count":
      let reader = reader([
        Option(
          "train", .integer, default: .required, range: .atLeast(1), unit: "pixels",
          "training pixels of each class"),
        Option(
          "val", .integer, default: 0, range: .atLeast(0), unit: "pixels",
          "validation pixels of each class"),
      ])
      split.method = .perClassCount(train: reader.int("train"), validation: reader.int("val"))
    case "spatial_block":
      let side = Option(
        "block", .integer, default: .required, range: .atLeast(1), unit: "pixels",
        "side of a block, two patches or more")
      let reader = reader([fractions, side])
      split.method = .spatialBlocks(
        fractions: reader.numbers("fractions"), side: reader.int("block"))
    case "controlled":
      split.method = .controlled(fractions: reader([fractions]).numbers("fractions"))
    case "masks":
      self = .masks(section, reader(Self.masks), split)
      return
    default:
      diagnostics.error(
        .unknownName(
          kind: "split method of scenes", name: name,
          known: [
            "controlled", "masks", "per_class_count", "random", "spatial_block", "stratified",
          ]),
        at: section.method.nameLocation, path: section.method.path)
      return nil
    }
    self = .computed(split)
  }

  /// A label image of a part.
  private static let source: OptionTable = [
    Option("path", .text, default: .required, "the file below data.root"),
    Option("variable", .text, default: .described("the only fitting one"), "the array in it"),
  ]

  private static let masks: OptionTable = [
    Option("train", .table(source), default: .required, "label image of the training pixels"),
    Option(
      "val", .either([.number, .table(source)]), default: .absent, range: .within(0...1),
      "label image of the validation pixels, or a share of the training pixels"),
    Option("test", .table(source), default: .absent, "label image of the test pixels"),
  ]

  private static func masks(
    _ section: SplitSection, _ reader: OptionReader, _ split: SceneSplit
  ) -> SceneOptions.Split {
    var sources: [SplitPart: SceneOptions.Source] = [:]
    for part in SplitPart.allCases {
      guard let table = reader.optionalTable(part.rawValue) else { continue }
      sources[part] = .init(path: table.text("path"), variable: table.optionalText("variable"))
    }
    let isShare = sources[.val] == nil
    return .masks(
      sources, validationShare: isShare ? reader.optionalNumber("val") : nil, split)
  }
}

extension SceneOptions {
  /// The split in words with its numbers, for reports.
  var splitSummary: String {
    func seeded(_ split: SceneSplit) -> String { "(seed \(split.seed))" }
    let units = "Intervals come from resampling blocks of \(unitSide)×\(unitSide) pixels."
    switch split {
    case .masks(_, let share, let split):
      return "pixels by label images of the parts"
        + (share.map { ", validation the share \($0) of training \(seeded(split))" } ?? "")
        + ". " + units
    case .computed(let split):
      let seed = seeded(split)
      let method =
        switch split.method {
        case .random(let fractions): "pixels by a permutation \(seed), fractions \(fractions)"
        case .stratified(let fractions, let least):
          "pixels by a permutation of each class \(seed), fractions \(fractions), at least \(least)"
        case .perClassCount(let train, let validation):
          "\(train) training and \(validation) validation pixels of each class \(seed), at most "
            + "half of a class"
        case .spatialBlocks(let fractions, let side):
          "blocks of \(side)×\(side) pixels \(seed), fractions \(fractions), with a guard band of "
            + "\(patch - 1) pixels between parts"
        case .controlled(let fractions):
          "regions grown in each field of a class \(seed), fractions \(fractions)"
        case .masks: "pixels by label images of the parts"
        }
      return method + ". " + units
    }
  }
}
