import Layers
package import Recipes
import Tensors

/// Ranks by the decay of singular values (WeLore, arXiv 2407.11239, section 3), with PiSSA's first values.
///
/// The rank of a weight is the number of its singular values that are at least `threshold` times its largest,
/// one threshold for all; with `reduction` it is the least that leaves 1 − reduction of all targets'
/// values in low-rank factors and whole weights. Weights whose rank is below half their shorter side are
/// low-rank: A and B start as their leading singular terms and are trained. The others are left out, as
/// they stay frozen there. `r` and `rank_pattern` are not looked at, the scaling stays.
///
/// WeLore drops what lies below the threshold, to compress the model. Here it stays beside the pair in the
/// frozen base, so that the first output is the base's; that makes it this project's form.
package struct WeLore: AdapterInitialization {
  package static let name = "welore"
  package static let summary = "ranks and first values by the decay of singular values (WeLore)"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "threshold", .number, default: 0.178, range: .within(0.0...1),
      "Singular values that count, over the largest of their weight."),
    Option(
      "reduction", .number, default: .absent, range: .within(0.0..<1),
      "Share of all values that the ranks would save; it finds the threshold."),
  ]
  package static let needs = CalibrationNeed.weights

  private let threshold: Double
  private let reduction: Double?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    threshold = options.number("threshold")
    reduction = options.optionalNumber("reduction")
  }

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    let parts = targets.map { $0.singularValues() }
    let spectra = zip(targets, parts).map { Spectrum($0, $1) }
    let limit = try reduction.map { try found($0, spectra) } ?? threshold
    let ranks = spectra.map { $0.rank(limit) }
    guard ranks.contains(where: { $0 != nil }) else {
      throw AdapterError.unsupported(
        module: "adapter.init", method: Self.name,
        reason: "no weight has a rank below half its shorter side at threshold \(limit). Raise it")
    }
    return zip(zip(targets, parts), ranks).map { pair, rank in
      let (target, parts) = pair
      guard let rank else { return target.ranked(0) }
      let alpha = target.alpha * Double(rank) / Double(target.rank)
      let ranked = target.ranked(rank, alpha: alpha)
      return ranked.starting(
        LowRankStart(parts, rank, scaling: ranked.scaling, isLargest: true))
    }
  }

  /// The least threshold that saves a share of all values, by bisection.
  private func found(_ reduction: Double, _ spectra: [Spectrum]) throws -> Double {
    let all = spectra.reduce(0) { $0 + $1.size }
    let wanted = (1 - reduction) * Double(all)
    func isEnough(_ threshold: Double) -> Bool {
      Double(spectra.reduce(0) { $0 + $1.values(threshold) }) <= wanted
    }
    guard isEnough(1) else {
      throw AdapterError.unsupported(
        module: "adapter.init", method: Self.name,
        reason: "rank 1 everywhere does not save \(reduction) of the values. Lower reduction")
    }
    var (low, high) = (0.0, 1.0)
    if isEnough(low) { return low }
    for _ in 0..<52 {
      let middle = (low + high) / 2
      if isEnough(middle) { high = middle } else { low = middle }
    }
    return high
  }
}

/// Singular values of a target over the largest.
private struct Spectrum {
  private let shares: [Double]
  private let rows: Int
  private let inputs: Int
  var size: Int { rows * inputs }

  init(_ target: AdapterTarget, _ parts: SingularValues) {
    let values = parts.values.cast(to: .f64).elements(as: Double.self)
    shares = values.map { $0 / max(values[0], .leastNormalMagnitude) }
    (rows, inputs) = (target.rows.count, target.inputs)
  }

  /// Nil for a weight that is not low-rank.
  func rank(_ threshold: Double) -> Int? {
    let rank = max(1, shares.count { $0 >= threshold })
    return 2 * rank < shares.count ? rank : nil
  }

  /// Values that the factors, or the whole weight, have.
  func values(_ threshold: Double) -> Int { rank(threshold).map { $0 * (rows + inputs) } ?? size }
}
