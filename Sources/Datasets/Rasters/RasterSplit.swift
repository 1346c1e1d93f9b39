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
    /// Parts that a table's column names.
    case column(ColumnSplit)
    /// A permutation of the samples of each class, cut at the shares; at least so many of each class
    /// train.
    case stratified(fractions: [Double], atLeast: Int)
    /// So many samples of each class, at most half of it, the rest tests.
    case perClass(train: Int, validation: Int)
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
    case "column":
      self.init(.column(ColumnSplit(section, diagnostics)), seed: seed, limits: limits)
    case "stratified":
      let least = Option(
        "min_per_class", .integer, default: 1, range: .atLeast(0), unit: "samples",
        "fewest training samples of a class")
      let reader = OptionReader(section.method, [fractions, least], diagnostics)
      self.init(
        .stratified(
          fractions: reader.numbers("fractions"), atLeast: reader.int("min_per_class")),
        seed: seed, limits: limits)
    case "per_class_count":
      let reader = OptionReader(
        section.method,
        [
          Option(
            "train", .integer, default: .required, range: .atLeast(1), unit: "samples",
            "training samples of each class"),
          Option(
            "val", .integer, default: 0, range: .atLeast(0), unit: "samples",
            "validation samples of each class"),
        ], diagnostics)
      self.init(
        .perClass(train: reader.int("train"), validation: reader.int("val")), seed: seed,
        limits: limits)
    default:
      diagnostics.error(
        .unknownName(
          kind: "split method of rasters", name: section.method.name,
          known: [
            "column", "files", "per_class_count", "random", "spatial_block", "stratified",
          ]),
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
    case .column(let split): "by column '\(split.column)' of \(split.file)"
    case .stratified(let fractions, let least):
      "a permutation of each class (seed \(seed)), fractions \(fractions), \(least) or more of a "
        + "class for training"
    case .perClass(let train, let validation):
      "\(train) training and \(validation) validation samples of each class (seed \(seed)), at "
        + "most half of a class"
    }
  }

  /// Parts of samples of these classes under `stratified` or `perClass`.
  func byClass(_ classes: [Int]) throws(DataError) -> [SplitPart] {
    var result = [SplitPart](repeating: .test, count: classes.count)
    for number in Set(classes).sorted() {
      let members = classes.indices.filter { classes[$0] == number }
      var random = Philox(seed: seed, purpose: .split, step: 1, index: number)
      let order = random.permutation(members.count).map { members[$0] }
      let (train, validation) = try sizes(ofClassWith: members.count)
      for member in order.prefix(train) { result[member] = .train }
      for member in order.dropFirst(train).prefix(validation) { result[member] = .val }
    }
    return result
  }

  private func sizes(ofClassWith count: Int) throws(DataError) -> (train: Int, validation: Int) {
    switch method {
    case .stratified(let fractions, let least):
      guard fractions.allSatisfy({ $0 >= 0 }), abs(fractions.reduce(0, +) - 1) < 1e-6 else {
        throw .optionInvalid(
          key: "data.split.fractions", found: "\(fractions)",
          expected: "three shares that add up to 1")
      }
      let train = min(count, max(least, Int((fractions[0] * Double(count)).rounded())))
      return (train, min(count - train, Int((fractions[1] * Double(count)).rounded())))
    case .perClass(let train, let validation):
      let half = max(1, count / 2)
      let train = min(train, half)
      return (train, min(validation, (count - train) / 2))
    default: return (count, 0)
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
