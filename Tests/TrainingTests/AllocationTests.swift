import Backbones
import Layers
import Tensors
import TestSupport
import Testing
import Training

@Suite("Memory of a training step")
struct AllocationTests {
  @Test("comes from the cache after two steps: nothing more is asked from the system")
  func steadyState() async {
    // A process of its own: tests beside this one allocate too.
    await #expect(processExitsWith: .success) {
      let builder = ModelBuilder()
      let morph = Morph(
        MorphConfiguration(
          patch: [4, 4, 4], dim: 16, depth: 2, heads: 2, fieldHeads: 4, mlpDim: 32, filters: 8,
          maxComponents: 1, maxFields: 2, maxTime: 2, maxPatches: 16, dropout: 0.1,
          embeddingDropout: 0.1), in: builder.root)
      builder.tree.initialize(seed: 1)
      let x = FiniteDifferences.values([4, 2, 2, 1, 1, 8, 8], seed: 1).cast(to: .f32)
      let y = FiniteDifferences.values([4, 2, 1, 1, 8, 8], seed: 2).cast(to: .f32)
      var trainer = try Trainer(
        TrainingPlan(
          seed: 0, threads: 1, totalSteps: 12, stepsPerEpoch: 4,
          monitor: .init(name: "train/loss", lowerIsBetter: true)),
        schedule: Schedule(shape: .constant, totalSteps: 12),
        optimizer: AdamW(learningRate: 1e-3), trainable: builder.tree.parameters
      ) { fields, context in
        guard let state = fields["x"], let target = fields["y"],
          let prediction = morph(BackboneInput(state), context).prediction
        else { preconditionFailure("a batch has x and y") }
        return meanSquaredError(prediction, target)
      }
      var counts: [Int] = []
      var observers = Trainer.Observers()
      observers.stepped = { _ in
        counts.append(Allocator.shared.statistics.systemAllocations)
      }
      _ = try trainer.run(
        batches: { _ in Batch(identifiers: ["a", "b", "c", "d"], fields: ["x": x, "y": y]) },
        evaluate: { _ in [:] }, observers: observers)
      #expect(counts[0] > 0)
      #expect(counts[11] == counts[1], "allocations after each step: \(counts)")
    }
  }

  @Test("of an adapted ViT comes from the cache too")
  func adaptedViT() async {
    await #expect(processExitsWith: .success) { try expectSteadyAllocations(threads: 1) }
  }

  @Test("of an adapted ViT comes from the cache on two threads as well")
  func adaptedViTOnTwoThreads() async {
    await #expect(processExitsWith: .success) { try expectSteadyAllocations(threads: 2) }
  }

  @Test("grows linearly with batch and depth, and less with recomputed activations")
  func growth() async {
    await #expect(processExitsWith: .success) {
      func expectLinear(_ name: String, _ peaks: [Int]) {
        // At 2, 4 and 8: sizes are rounded up by an eighth at most.
        let predicted = peaks[1] + 2 * (peaks[1] - peaks[0])
        let ratio = Double(peaks[2]) / Double(predicted)
        #expect(peaks[0] < peaks[1])
        #expect(abs(ratio - 1) < 0.06, "\(name): \(peaks), \(ratio) of the line")
      }
      expectLinear("batch", try [2, 4, 8].map { try AdaptedViT().peakBytes(batch: $0) })
      let depths = [2, 4, 8]
      let plain = try depths.map { try AdaptedViT(depth: $0).peakBytes(batch: 4) }
      expectLinear("depth", plain)
      let recomputed = try depths.map {
        try AdaptedViT(depth: $0, checkpointsActivations: true).peakBytes(batch: 4)
      }
      expectLinear("depth, recomputed", recomputed)
      #expect(2 * recomputed[2] < plain[2], "\(recomputed) against \(plain)")
      // A block adds its input alone.
      #expect(8 * (recomputed[2] - recomputed[1]) < plain[2] - plain[1])
    }
  }
}

/// The body of tests that run in a process of their own.
private func expectSteadyAllocations(threads: Int) throws {
  let counts = try AdaptedViT().train(steps: 40, threads: threads).map(\.systemAllocations)
  #expect(counts[0] > 0)
  #expect(counts[39] == counts[2], "allocations after each step: \(counts)")
}
