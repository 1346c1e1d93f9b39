import Layers

extension ViT {
  package static let blocksPath = "blocks"
  package static let tailPaths = ["norm", "attn_pool", "fc_norm", "head"]
  package var blockCount: Int { configuration.depth }

  package func randomness(before cut: Int) -> [String] {
    var found: [String] = []
    func note(_ option: String, _ rate: Double) {
      if rate > 0 { found.append("\(option) \(rate)") }
    }
    if configuration.positions == .learned { note("pos_drop_rate", configuration.positionDropout) }
    guard cut > 0 else { return found }
    note("proj_drop_rate", configuration.projectionDropout)
    note("attn_drop_rate", configuration.attentionDropout)
    let last = DropPath.linearRate(
      configuration.dropPathRate, block: cut - 1, of: configuration.depth)
    if last > 0 { note("drop_path_rate", configuration.dropPathRate) }
    return found
  }
}
