package import Tensors

/// What an adapter does around the optimizer's steps: masks, ranks, gradients that are changed.
///
/// State that a resume needs lies in the adapter's buffers; all else follows from seed and step.
package protocol TrainingHook: Sendable {
  /// Before the forward pass of a step, counted from 0.
  func begin(step: Int, of total: Int)
  /// Between the backward pass and the update.
  func change(_ gradients: inout Gradients, step: Int, of total: Int)
  /// After the update.
  func end(step: Int, of total: Int)
  /// Parameters of which the optimizer forgets its averages, after `end`.
  func forgotten(step: Int, of total: Int) -> [Parameter]
}

extension TrainingHook {
  package func begin(step: Int, of total: Int) {}
  package func change(_ gradients: inout Gradients, step: Int, of total: Int) {}
  package func end(step: Int, of total: Int) {}
  package func forgotten(step: Int, of total: Int) -> [Parameter] { [] }
}

/// How the update of one parameter departs from the optimizer's settings.
package struct UpdatePolicy: Sendable, Equatable {
  /// Multiplies the learning rate (LoRA+: λ for B).
  package var rateFactor: Double
  /// Whether weight decay applies.
  package var decays: Bool
  /// Whether the value goes along its gradient by the learning rate alone: a hook has made a step of it.
  ///
  /// The optimizer keeps nothing of such a parameter, and the limit on gradients leaves it out.
  package var isPlain: Bool

  package init(rateFactor: Double = 1, decays: Bool = true, isPlain: Bool = false) {
    self.rateFactor = rateFactor
    self.decays = decays
    self.isPlain = isPlain
  }
}
