package import Formats
package import Layers
package import Recipes
package import Tensors

/// Contribution-based low-rank adaptation for image restoration (arXiv 2408.01099): W' = W + B A with
/// a rank of its own for every layer, A `[r, in]`, B `[out, r]` zero at first, no scaling.
///
/// The ranks are given (`r`, `rank_pattern`) or found by the initialization `contribution`, whose law
/// is this project's, since the paper's is not public. Biases, norm weights and free scales are trained
/// in full beside it: `bias: all`, `modules_to_save: [norm1, norm2, beta, gamma]`. On a convolution the
/// pair is LoRA's.
package struct CoLoRARestoration: AdapterMethod {
  package static let name = "colora-restoration"
  package static let summary = "low-rank update with a rank per layer by contribution, unscaled"
  package static let options: OptionTable = [
    Option(
      "r", .integer, default: 8, range: .atLeast(1), aliases: ["rank", "lora_r", "lora_rank"],
      "Rank of the update where no pattern gives one."),
    Option(
      "dropout", .number, default: 0, range: .within(0..<1), aliases: ["lora_dropout"],
      "Dropout on the adapter's input."),
  ]
  package static let peftType = "COLORA_RESTORATION"
  package static let capabilities = LoRA.capabilities.subtracting([.portable])

  private let pairs: LoRA

  package var lowRank: LowRank? { pairs.lowRank }

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    self.init(rank: options.int("r"), dropout: options.number("dropout"))
  }

  package init(rank: Int, dropout: Double = 0) {
    pairs = LoRA(LowRank(rank: max(1, rank), dropout: dropout))
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange { try pairs.makeChange(for: target, shared) }

  package func trainableCount(for target: AdapterTarget) -> Int {
    pairs.trainableCount(for: target)
  }

  package func configuration(
    _ adapter: AttachedAdapter
  ) throws(AdapterError) -> JSONObject {
    var configuration = JSONObject()
    configuration["dropout"] = number(lowRank?.dropout ?? 0)
    setPattern(
      "r", "rank_pattern",
      adapter.modules.map { ($0.target.site.path, .integer($0.target.rank)) }, &configuration)
    return configuration
  }

  package func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    try pairs.stored(module)
  }

  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] { try pairs.restored(module, value) }
}
