extension RunRecord {
  /// What adapters did to one weight (arXiv 2410.21228).
  package struct WeightUpdate: Codable, Sendable, Equatable {
    package var module: String
    /// Of the adapters on it together; nil for methods without ranks.
    package var rank: Int?
    /// exp of the entropy of the normalized singular values of the update.
    package var effectiveRank: Double
    /// ‖ΔW‖ / ‖W‖ in the Frobenius norm.
    package var relativeNorm: Double
    /// Of the leading left singular vectors of the new weight, those that none of the old is near to.
    package var intruders: Int
    /// Vectors looked at.
    package var looked: Int

    package init(
      module: String, rank: Int?, effectiveRank: Double, relativeNorm: Double, intruders: Int,
      looked: Int
    ) {
      self.module = module
      self.rank = rank
      self.effectiveRank = effectiveRank
      self.relativeNorm = relativeNorm
      self.intruders = intruders
      self.looked = looked
    }
  }
}
