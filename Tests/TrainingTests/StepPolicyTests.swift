import Layers
import Tensors
import TestSupport
import Testing
import Training

@Suite("Hooks and the update")
struct StepPolicyTests {
  private let regression = Regression()

  private func trained(
    steps: Int, limit: Double? = nil, policies: [String: UpdatePolicy] = [:],
    hook: StepHook
  ) throws -> Trainer {
    let plan = TrainingPlan(
      seed: 5, threads: 1, totalSteps: steps, stepsPerEpoch: 4,
      monitor: .init(name: "val/loss", lowerIsBetter: true), gradientNormLimit: limit)
    var trainer = try Trainer(
      plan, schedule: Schedule(shape: .constant, totalSteps: steps),
      optimizer: AdamW(learningRate: 0.01), trainable: regression.parameters, hooks: [hook],
      policies: policies, loss: regression.loss)
    _ = try trainer.run(
      batches: { Regression.batch($0) }, evaluate: { _ in [:] }, observers: Trainer.Observers())
    return trainer
  }

  @Test("a plain parameter goes along its gradient by the rate alone, and is not limited")
  func plain() throws {
    let weight = regression.parameters[0]
    let before = weight.value.copied()
    let policies = [weight.path: UpdatePolicy(rateFactor: 2, decays: false, isPlain: true)]
    let trainer = try trained(
      steps: 1, limit: 1e-3, policies: policies, hook: StepHook(given: weight, forgotten: nil))
    let moved = (weight.value - before).elements(as: Float.self)
    #expect(moved.allSatisfy { abs($0 + 0.02 * 0.75) < 1e-6 })
    let total = regression.parameters.reduce(0) { $0 + $1.elementCount }
    #expect(trainer.reachedCount == total)
    #expect(!trainer.optimizerState.counts.keys.contains(weight.path))
  }

  @Test("the optimizer forgets what a hook names")
  func forgotten() throws {
    let weight = regression.parameters[2]
    let trainer = try trained(steps: 3, hook: StepHook(given: nil, forgotten: weight))
    #expect(trainer.optimizerState.counts[weight.path] == 1, "began anew after the second step")
    #expect(trainer.optimizerState.counts[regression.parameters[0].path] == 3)
  }
}

/// Gives a parameter the gradient 0.75, or names one to be forgotten after the second step.
private struct StepHook: TrainingHook {
  let given: Parameter?
  let forgotten: Parameter?

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    guard let given else { return }
    gradients[given.leaf] = Tensor(filledWith: 0.75, shape: given.shape)
  }

  func forgotten(step: Int, of total: Int) -> [Parameter] {
    step == 1 ? [forgotten].compactMap { $0 } : []
  }
}
