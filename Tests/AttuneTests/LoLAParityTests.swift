import Attune
import Backbones
import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Synchronization
import Tensors
import TestSupport
import Testing
import Training

@Suite("LoLA-SpecViT beside its reference", .enabled(if: Shared.isPresent, "../shared is absent"))
struct LoLAParityTests {
  @Test("whole models", arguments: Fixture.all(in: "lola-specvit") { $0.hasPrefix("full-") })
  func wholeModel(fixture: Fixture) throws {
    let report = try verify([fixture.json.path])
    #expect(report.passed == 1 && report.failed == 0, "\(report.cases)")
    #expect(report.cases.allSatisfy { $0.missing == 0 && $0.compared > 8 })
    Parity.passed(fixture.name)
  }

  @Test(
    "three optimizer steps of two batches each, with clipping, adapters alone",
    arguments: Fixture.all(in: "lola-specvit") { $0 == "train-steps-a" })
  func steps(fixture: Fixture) throws {
    let description = try #require(try JSONValue(contentsOf: fixture.json.path).object)
    let file = try SafetensorsFile(path: fixture.tensors.path)
    let model = try LoLACaseModel(
      try #require(description["config"]?.object), name: fixture.name)
    let layout = model.backbone.layouts[0]
    for parameter in model.stored {
      parameter.value = try file.tensor("weight." + layout.key(of: parameter.path))
      parameter.isTrainable = parameter.path.contains(".lora_")
    }
    let losses = Mutex<[Double]>([])
    let norms = try train(model, description, on: file) { loss in
      losses.withLock { $0.append(loss) }
    }
    let expectedLosses = try file.tensor("loss").elements(as: Float.self).map(Double.init)
    #expect(losses.withLock { $0.count } == expectedLosses.count)
    for (loss, expected) in zip(losses.withLock { $0 }, expectedLosses) {
      #expect(abs(loss - expected) <= 1e-4)
    }
    let expectedNorms = try file.tensor("output.grad_norm_before_clip").elements(as: Float.self)
    #expect(norms.count == expectedNorms.count)
    for (norm, expected) in zip(norms, expectedNorms) {
      #expect(abs(norm - Double(expected)) <= 1e-4 * Double(expected))
    }
    let after = Set(file.names.filter { $0.hasPrefix("after.") })
    var compared = 0
    for parameter in model.stored {
      let key = layout.key(of: parameter.path)
      if after.contains("after." + key) {
        let expected = try file.tensor("after." + key)
        #expect(parameter.value.largestDifference(from: expected) <= 1e-4, "\(key)")
        compared += 1
      } else if parameter.dtype == .f32 {
        #expect(parameter.value.bits == (try file.tensor("weight." + key).bits), "\(key)")
      }
    }
    #expect(compared == after.count)
    Parity.passed(fixture.name)
  }

  /// Norms of the gradients before clipping, step by step; `record` takes the loss of every batch.
  private func train(
    _ model: LoLACaseModel, _ description: JSONObject, on file: SafetensorsFile,
    record: @escaping @Sendable (Double) -> Void
  ) throws -> [Double] {
    let accumulation = try #require(description["gradient_accumulation_steps"]?.integer)
    let count = try #require(description["micro_batches"]?.integer)
    let smoothing = try #require(description["label_smoothing"]?.number)
    let optimizer = try #require(description["optimiser"]?.object)
    let backbone = model.backbone
    var trainer = try Trainer(
      TrainingPlan(
        seed: 0, threads: 1, totalSteps: count / accumulation, stepsPerEpoch: 1,
        monitor: .init(name: "train/loss", lowerIsBetter: true),
        accumulationSteps: accumulation,
        gradientNormLimit: try #require(description["grad_clip"]?.number)),
      schedule: Schedule(shape: .constant, totalSteps: count / accumulation),
      optimizer: AdamW(
        learningRate: try #require(optimizer["lr"]?.number),
        weightDecay: try #require(optimizer["weight_decay"]?.number)),
      trainable: model.stored.filter(\.isTrainable)
    ) { fields, context in
      guard let image = fields["image"], let labels = fields["labels"],
        let logits = backbone(BackboneInput(image), context).logits
      else { preconditionFailure("a batch has image and labels") }
      let loss = crossEntropy(logits, labels: labels, smoothing: smoothing)
      record(loss.scalar)
      return loss
    }
    let batches = try (0..<count).map { index in
      let labels = try file.tensor("input.step\(index).labels").elements(as: Int64.self)
      return Batch(
        identifiers: labels.indices.map { "\(index).\($0)" },
        fields: [
          "image": standardized(try file.tensor("input.step\(index).x")),
          "labels": Tensor(labels.map { Int32($0) }, shape: [labels.count]),
        ])
    }
    var norms: [Double] = []
    var observers = Trainer.Observers()
    observers.stepped = { norms.append($0.gradientNorm) }
    _ = try trainer.run(
      batches: { batches[$0] }, evaluate: { _ in [:] }, observers: observers)
    return norms
  }

  /// Each patch of each component with mean 0 and unbiased deviation 1, as the trainer feeds them; the
  /// case stores what comes before.
  private func standardized(_ x: Tensor) -> Tensor {
    let count = x.shape[2] * x.shape[3]
    var values = x.elements(as: Float.self)
    for start in stride(from: 0, to: values.count, by: count) {
      let patch = values[start..<(start + count)].map(Double.init)
      let mean = patch.reduce(0, +) / Double(count)
      let variance = patch.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
      for (index, value) in patch.enumerated() {
        values[start + index] = Float((value - mean) / (variance.squareRoot() + 1e-8))
      }
    }
    return Tensor(values, shape: x.shape)
  }
}
