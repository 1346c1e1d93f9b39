import Layers
import Recipes
import Tensors

/// Dropout of rows of a delta, and of deltas as a whole, while training (as LoHa and LoKr have it in
/// PEFT 0.21.2).
struct DeltaDropout: Sendable {
  struct Settings: Sendable {
    let rows: Double
    let modules: Double
    /// Whether kept rows are divided by the part that was kept.
    let scales: Bool

    init(_ options: OptionReader) {
      rows = options.number("rank_dropout")
      modules = options.number("module_dropout")
      scales =
        options.table["rank_dropout_scale"] == nil || options.bool("rank_dropout_scale")
    }
  }

  static let options: OptionTable = [
    Option(
      "rank_dropout", .number, default: 0, range: .within(0..<1),
      "Probability with which a row of the update is left out in a step."),
    Option(
      "module_dropout", .number, default: 0, range: .within(0..<1),
      "Probability with which the whole update of a module is left out in a step."),
  ]

  private let rows: Dropout
  private let module: Dropout
  private let scales: Bool

  init(_ settings: Settings, _ target: AdapterTarget) {
    rows = Dropout(path: target.path(to: "rank_dropout"), probability: settings.rows)
    module = Dropout(path: target.path(to: "module_dropout"), probability: settings.modules)
    scales = settings.scales
  }

  /// The delta `[rows, in]` of this step; random numbers are the same for all samples.
  func callAsFunction(_ delta: Tensor, _ context: ForwardContext) -> Tensor {
    var result = delta
    if rows.drops(context) {
      let kept = rows.shared(
        Tensor(filledWith: 1, shape: [delta.shape[0]], dtype: delta.dtype), context
      ).nonzero()
      let part = kept.mean().scalar
      result = result.rowsScaled(by: scales && part > 0 ? kept.scaled(by: 1 / part) : kept)
    }
    if module.drops(context) {
      let one = Tensor(filledWith: 1, shape: [1], dtype: delta.dtype)
      if module.shared(one, context).nonzero().scalar == 0 { result = result.scaled(by: 0) }
    }
    return result
  }
}
