package import Layers
package import Recipes
package import Tensors

/// Adam on gradients projected to a low rank (GaLore, arXiv 2403.03507): full-rank training whose
/// averages take r (m + n) numbers less, r values a row or column in place of the whole matrix.
///
/// W ← W − η α √(1−β2ᵗ)/(1−β1ᵗ) · back(m / (√v + ε)), and the decoupled decay after. The projection is
/// found anew from the gradient every `update_proj_gap` steps; averages stay as they are then, as in the
/// program. A kernel `[out, in, …]` counts as the matrix `[out, in · …]` (a decision of this project: the
/// program decomposes it as a tensor). Meant for whole weights: `adapter: {method: none}` and
/// `model.freeze_backbone: false`.
package struct GaLore: Optimizer {
  package static let name = "galore"
  package static let summary = "Adam on gradients projected to a low rank"
  package static let options = LowRankRule.options(scale: 0.25)

  package var learningRate: Double { rule.learningRate }
  package var weightDecay: Double { rule.weightDecay }
  private let rule: LowRankRule
  private var averages = LowRankState()

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    rule = LowRankRule(options, diagnostics)
  }

  package mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {
    let step = averages.step(parameter.path, gradient, rule)
    let direction =
      step.projected.map { $0.projection.back(step.direction).scaled(by: rule.scale) }
      ?? step.direction
    parameter.move(
      against: direction, rate: learningRate * step.correction, decay: learningRate * weightDecay)
  }

  package mutating func forget(_ path: String) -> Int? { averages.forget(path) }

  package var reachedCount: Int { averages.reachedCount }

  package var state: OptimizerState {
    get { OptimizerState(tensors: averages.tensors, counts: averages.counts) }
    set { averages = LowRankState(newValue, rule) }
  }
}
