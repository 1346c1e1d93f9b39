extension Morph {
  package static let blocksPath = "transformer_blocks"
  package static let tailPaths = ["decoder"]
  package var blockCount: Int { configuration.depth }

  package func randomness(before cut: Int) -> [String] {
    var found: [String] = []
    if configuration.embeddingDropout > 0 {
      found.append("emb_dropout \(configuration.embeddingDropout)")
    }
    if cut > 0, configuration.dropout > 0 { found.append("dropout \(configuration.dropout)") }
    return found
  }
}
