internal import Recipes

extension ComparisonSection {
  /// What memory buys: headline metric over the largest memory that the run held.
  static let accuracyAgainstMemory = ComparisonSection(title: "Accuracy against memory") {
    comparison in
    CostFigure(
      title: "peak memory (MiB)", file: "memory",
      cost: { Double($0.peakMemoryBytes) / mebibyte },
      words: { Numbers.bytes(Int(($0 * mebibyte).rounded())) }
    ).blocks(comparison)
  }

  private static let mebibyte = 1_048_576.0
}
