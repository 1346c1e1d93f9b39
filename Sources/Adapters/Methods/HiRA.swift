package import Formats
package import Layers
package import Recipes
import Tensors

/// Hadamard high-rank adaptation (HiRA, ICLR 2025; as in PEFT 0.21.2, `HIRA`): W' = W + W ∘ (B A).
///
/// `hira_A` is `[r, in]`, uniform in ±1/√in at first, `hira_B` `[out, r]`, zero at first; a convolution
/// has `[r, in, kernel...]` and `[out, r, 1...]`. There is no scaling. PEFT ignores `rank_pattern` when
/// it makes the layers, so that a file's ranks are those of its tensors.
package struct HiRA: PEFTMethod {
  package static let name = "hira"
  package static let summary = "update that multiplies the weight by a low-rank matrix (HiRA)"
  package static let options: OptionTable = [.rank(32), .dropout("hira_dropout")]
  package static let peftType = "HIRA"
  package static let capabilities: AdapterCapabilities = [
    .portableLinear, .convolution2D, .rows,
  ]
  package static let absentFields: Set<String> = ["bias"]

  package let lowRank: LowRank?
  package let fields: JSONObject

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    fields = PEFTFields.object(
      options, renamed: ["dropout": "hira_dropout"], PEFTFields.layers,
      ["fan_in_fan_out": false, "init_weights": true, "rank_pattern": [:]])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let rank = rank(of: target)
    let tail = Array(target.site.weight.shape.dropFirst())
    return HiRAMap(
      down: target.parameter("hira_A", [rank] + tail, .fanIn(target.inputs)),
      up: target.parameter(
        "hira_B", [target.rows.count, rank] + tail.dropFirst().map { _ in 1 }, .zeros),
      dropout: target.inputDropout)
  }

  /// r (in · kernel + out).
  package func trainableCount(for target: AdapterTarget) -> Int {
    rank(of: target) * (target.inputs + target.rows.count)
  }

  private func rank(of target: AdapterTarget) -> Int {
    target.stored["hira_A"]?.first ?? target.rank
  }
}

private struct HiRAMap: WeightMap {
  let down: Parameter
  let up: Parameter
  let dropout: Dropout

  var parameters: [Parameter] { [down, up] }

  /// B A, matricised.
  private var factors: Tensor {
    matrixProduct(
      up().reshaped(to: [up.shape[0], -1]), down().reshaped(to: [down.shape[0], -1]))
  }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor { base + base * factors }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    guard dropout.drops(context) else { return nil }
    return layer.plain(x, context)
      + layer.applied(layer.weight * factors, bias: nil, to: dropout(x, context))
  }
}
