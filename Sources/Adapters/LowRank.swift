package import Recipes

/// Rank, scaling and dropout: the options that all low-rank methods share.
package struct LowRank: Sendable, Equatable {
  package var rank: Int
  /// Nil takes the rank of the target, so that the scaling is 1.
  package var alpha: Double?
  package var dropout: Double
  /// Scaling α/√r instead of α/r (arXiv 2312.03732).
  package var usesRankStabilizedScaling: Bool

  package init(
    rank: Int, alpha: Double? = nil, dropout: Double = 0, usesRankStabilizedScaling: Bool = false
  ) {
    self.rank = rank
    self.alpha = alpha
    self.dropout = dropout
    self.usesRankStabilizedScaling = usesRankStabilizedScaling
  }

  package init(_ options: OptionReader) {
    self.init(
      rank: max(1, options.int("r")), alpha: options.optionalNumber("alpha"),
      dropout: options.number("dropout"), usesRankStabilizedScaling: options.bool("use_rslora"))
  }

  /// The options of a method whose default rank is `rank`.
  package static func options(rank: Int) -> OptionTable {
    [
      Option(
        "r", .integer, default: .value(.integer(rank)), range: .atLeast(1),
        aliases: ["rank", "lora_r", "lora_rank"], "Rank of the update."),
      Option(
        "alpha", .number, default: .described("r"), aliases: ["lora_alpha"],
        "The update is scaled by alpha / r."),
      Option(
        "dropout", .number, default: 0, range: .within(0..<1), aliases: ["lora_dropout"],
        "Dropout on the adapter's input."),
      Option(
        "use_rslora", .boolean, default: false, aliases: ["peft_use_rslora"],
        "Scale by alpha / sqrt(r) instead."),
    ]
  }
}
