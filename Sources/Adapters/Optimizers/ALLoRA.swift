package import Layers
package import Recipes
import Synchronization
import Tensors

/// A learning rate for each row of B by its length (ALLoRA, arXiv 2410.09692; from the abstract, so that
/// the constant is a decision of this project): row i of B moves by the optimizer's step times
/// 1/√(‖B_i‖ + 1/η²), that is η times at first, and less the longer it is.
///
/// The method does without dropout and scaling, whose part the rates take. The factor is on the update
/// and not on the gradient, where Adam would cancel it; a decay of weights is part of the update.
package struct ALLoRA: AdapterOptimizer {
  package static let name = "allora"
  package static let summary =
    "learning rates by the length of B's rows, without scaling and dropout"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "eta", .number, default: 2, range: .above(0),
      "Factor on the learning rate of a row of B that is zero.")
  ]

  private let eta: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) { eta = options.number("eta") }

  package func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook] {
    guard adapter.method is LoRA || adapter.method is CoLoRARestoration else {
      throw .unsupported(
        module: "adapter.optimizer", method: Self.name,
        reason:
          "its rule is for the rows of B of method lora or colora-restoration. Choose one of them")
    }
    guard adapter.settings.schedule == nil else {
      throw .unsupported(
        module: "adapter.optimizer", method: Self.name,
        reason: "the schedule changes the same values around a step. Leave one of them out")
    }
    for target in adapter.modules.map(\.target) where target.scaling != 1 || target.dropout > 0 {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "the update is scaled by \(target.scaling) with dropout \(target.dropout), and the "
          + "rule takes the part of both. Leave alpha and dropout out")
    }
    let ups = adapter.parameters.filter { $0.path.hasSuffix(".lora_B.weight") }
    return [RowRates(ups: ups, eta: eta)]
  }
}

/// Scales what an update did to the rows of matrices.
private struct RowRates: TrainingHook {
  let ups: [Parameter]
  let eta: Double
  private let before = ValuesBefore()

  init(ups: [Parameter], eta: Double) { (self.ups, self.eta) = (ups, eta) }

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    let values = ups.map { $0.value.copied() }
    before.values.withLock { $0 = values }
  }

  func end(step: Int, of total: Int) {
    let values = before.values.withLock { values in
      defer { values = [] }
      return values
    }
    for (parameter, old) in zip(ups, values) {
      let shape = parameter.shape
      let rows = old.reshaped(to: [shape[0], -1])
      let factors = rows.rowNorms().cast(to: .f64).elements(as: Double.self)
        .map { 1 / ($0 + 1 / (eta * eta)).squareRoot() }
      let step = parameter.value.reshaped(to: rows.shape) - rows
      let scaled = step.rowsScaled(
        by: Tensor(factors, shape: [shape[0]]).cast(to: step.dtype))
      parameter.value = (rows + scaled).reshaped(to: shape)
    }
  }
}

/// Values that a step found.
private final class ValuesBefore: Sendable {
  let values = Mutex<[Tensor]>([])
}
