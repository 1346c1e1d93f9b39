import Attune
import Backbones
import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("Fine-tuning beside the reference", .enabled(if: Shared.isPresent, "../shared is absent"))
struct FineTuningParityTests {
  @Test(
    "five AdamW steps with the reference's groups",
    arguments: Fixture.all(in: "morph") { $0.contains("_finetune_") })
  func steps(fixture: Fixture) throws {
    let description = try #require(try JSONValue(contentsOf: fixture.json.path).object)
    let file = try SafetensorsFile(path: fixture.tensors.path)
    let model = try caseModel(description, fixture.name) { try file.tensor("weight." + $0) }
    let groups = try #require(description["param_groups"]?.array).map { try #require($0.object) }
    let trained = Set(groups.flatMap { keys(of: $0) })
    for (key, parameter) in model.parametersByKey {
      parameter.isTrainable = trained.contains(key)
    }
    let (losses, gradients) = try train(model, groups: groups, on: file)
    let expectedLosses = try file.tensor("output.losses").elements(as: Double.self)
    #expect(losses.count == expectedLosses.count)
    for (loss, expected) in zip(losses, expectedLosses) { #expect(abs(loss - expected) <= 2e-6) }
    for (key, parameter) in model.parametersByKey {
      let before = try file.tensor("weight." + key)
      guard trained.contains(key) else {
        #expect(parameter.value.bits == before.bits, "\(key) is frozen")
        continue
      }
      if key.hasSuffix(".k.base.bias") { continue }
      compare(
        parameter.value, try file.tensor("output.weight_after." + key),
        firstGradient: gradients[parameter.path], key: key)
      if key.contains(".attn_t.") {
        #expect(parameter.value.bits == before.bits, "\(key) has no gradient")
      }
    }
    Parity.passed(fixture.name)
  }

  private func keys(of group: JSONObject) -> [String] {
    (group["parameters"]?.array ?? []).compactMap(\.string)
  }

  /// Losses of the steps before each update, and the gradients of the first by path.
  private func train(
    _ model: MorphCaseModel, groups: [JSONObject], on file: SafetensorsFile
  ) throws -> (losses: [Double], gradients: [String: Tensor]) {
    let byKey = Dictionary(
      uniqueKeysWithValues: model.parametersByKey.map { ($0.key, $0.parameter) })
    let rates = try groups.map { group in
      TrainingPlan.RateGroup(
        patterns: try keys(of: group).map { try Pattern(try #require(byKey[$0]).path) },
        learningRate: group["lr"]?.number, weightDecay: group["weight_decay"]?.number)
    }
    let batch = Batch(
      identifiers: ["0", "1"],
      fields: ["state": try file.tensor("input.x"), "target": try file.tensor("input.target")])
    let backbone = model.backbone
    var trainer = try Trainer(
      TrainingPlan(
        seed: 0, threads: 1, totalSteps: 5, stepsPerEpoch: 1,
        monitor: .init(name: "train/loss", lowerIsBetter: true), rateGroups: rates, saveEvery: 1),
      schedule: Schedule(shape: .constant, totalSteps: 5),
      optimizer: AdamW(learningRate: 0, weightDecay: 0),
      trainable: model.parametersByKey.map(\.parameter).filter(\.isTrainable)
    ) { fields, context in
      guard let state = fields["state"], let target = fields["target"],
        let prediction = backbone(BackboneInput(state), context).prediction
      else { preconditionFailure("a batch has state and target") }
      return meanSquaredError(prediction, target)
    }
    var losses: [Double] = []
    var observers = Trainer.Observers()
    observers.stepped = { losses.append($0.loss) }
    var gradients: [String: Tensor] = [:]
    observers.save = { trainer, _ in
      guard trainer.state.step == 1 else { return }
      for (name, average) in trainer.optimizerState.tensors where name.hasPrefix("first.") {
        gradients[String(name.dropFirst(6))] = average.copied().scaled(by: 10)
      }
    }
    _ = try trainer.run(batches: { _ in batch }, evaluate: { _ in [:] }, observers: observers)
    return (losses, gradients)
  }

  /// Within 1e-6, or 5e-6 for values whose first gradient is below ten times AdamW's epsilon: their
  /// first step follows its rounding noise.
  ///
  /// Keys' biases in `field_attn` are left out: their true gradient is zero.
  private func compare(
    _ value: Tensor, _ expected: Tensor, firstGradient: Tensor?, key: String
  ) {
    let gradient = firstGradient?.elements(as: Float.self)
    let (found, wanted) = (value.elements(as: Float.self), expected.elements(as: Float.self))
    #expect(found.count == wanted.count)
    let keyBias = key.hasSuffix("field_attn.attn.in_proj_bias") ? found.count / 3 : 0
    var noisy = 0
    for index in found.indices where !(keyBias..<(2 * keyBias)).contains(index) {
      let isSmall = abs(gradient?[index] ?? .infinity) < 1e-7
      let error = abs(found[index] - wanted[index])
      if isSmall && error > 1e-6 { noisy += 1 }
      #expect(error <= (isSmall ? 5e-6 : 1e-6), "\(key) [\(index)]")
    }
    #expect(noisy <= 1, "\(key): \(noisy) values beyond 1e-6")
  }
}
