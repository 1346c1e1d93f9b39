import Recipes
import Tensors

/// How the windows of raster files are put into training, validation and test part.
package struct RasterSplit: Sendable, Equatable {
  package enum Method: Sendable, Equatable {
    /// A permutation of the files, cut at the shares.
    case random(fractions: [Double])
    /// A permutation of square blocks of each file, cut at the shares; windows that touch blocks of
    /// two parts are left out.
    case spatialBlocks(fractions: [Double], side: Int)
    /// Files of their own for each part, by identifier patterns.
    case files(FileSplit)
  }

  package var method: Method
  package var seed: UInt64
  package var limits: [SplitPart: TrajectorySplit.Limit]

  package init(
    _ method: Method, seed: UInt64 = 42, limits: [SplitPart: TrajectorySplit.Limit] = [:]
  ) {
    self.method = method
    self.seed = seed
    self.limits = limits
  }

  /// Reads `data.split`; nil where an error was left in `diagnostics`.
  init?(_ section: SplitSection, _ diagnostics: Diagnostics) {
    let fractions = Option(
      "fractions", .list(.number, count: 3...3), default: .required, range: .within(0...1),
      "shares of training, validation and test part")
    let limits = section.partLimits
    let seed = UInt64(section.seed)
    switch section.method.name {
    case "random":
      let reader = OptionReader(section.method, [fractions], diagnostics)
      self.init(.random(fractions: reader.numbers("fractions")), seed: seed, limits: limits)
    case "spatial_block":
      let side = Option(
        "block", .integer, default: .required, range: .atLeast(1), unit: "pixels",
        "side of a block, a multiple of the window")
      let reader = OptionReader(section.method, [fractions, side], diagnostics)
      self.init(
        .spatialBlocks(fractions: reader.numbers("fractions"), side: reader.int("block")),
        seed: seed, limits: limits)
    case "files":
      let reader = OptionReader(section.method, FileSplit.options, diagnostics)
      let validation: FileSplit.Validation? =
        reader.optionalNumber("val").map { .shareOfTrain($0) }
        ?? reader.optionalText("val").map { .files($0) }
      self.init(
        .files(
          FileSplit(
            train: reader.text("train"), validation: validation, test: reader.optionalText("test"),
            seed: seed)), seed: seed, limits: limits)
    default:
      diagnostics.error(
        .unknownName(
          kind: "split method of rasters", name: section.method.name,
          known: ["files", "random", "spatial_block"]),
        at: section.method.nameLocation, path: section.method.path)
      return nil
    }
  }

  /// The split in words with its numbers, for reports.
  package var summary: String {
    switch method {
    case .random(let fractions): "files by a permutation (seed \(seed)), fractions \(fractions)"
    case .spatialBlocks(let fractions, let side):
      "blocks of \(side)×\(side) pixels by a permutation (seed \(seed)), fractions \(fractions)"
    case .files(let split): split.summary
    }
  }

  /// Parts of `count` files under `random`, or of as many blocks.
  func shuffled(_ count: Int, _ fractions: [Double]) throws(DataError) -> [SplitPart] {
    var result = [SplitPart](repeating: .test, count: count)
    let parts = try TrajectorySplit(.fractions(fractions), seed: seed).parts(of: count)
    for (part, units) in parts { for unit in units { result[unit] = part } }
    return result
  }
}

extension SplitSection {
  /// `limit` by part.
  var partLimits: [SplitPart: TrajectorySplit.Limit] {
    var found: [SplitPart: TrajectorySplit.Limit] = [:]
    for (name, allowance) in limits {
      guard let part = SplitPart(rawValue: name) else { continue }
      found[part] =
        switch allowance {
        case .count(let count): .count(count)
        case .share(let share): .share(share)
        }
    }
    return found
  }
}
