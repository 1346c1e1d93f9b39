/// What the loop remembers between steps, besides parameters: all that a resume needs.
package struct TrainerState: Sendable {
  /// Optimizer steps done.
  package var step = 0
  package var skippedSteps = 0
  /// Monitored value of the best evaluation, negated where larger is better.
  package var bestValue: Double?
  package var bestStep: Int?
  package var evaluationsWithoutGain = 0
  /// Early stopping has ended the run.
  package var isExhausted = false
  package var recentLoss = 0.0
  package var plateau = Schedule.Plateau()
  package var optimizer = OptimizerState(tensors: [], counts: [:])

  package init() {}
}
