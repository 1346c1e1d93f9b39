import Recipes
import Tasks
import Tensors
import Testing

@Suite("PDE task")
struct PDETaskTests {
  /// Frames 0, 1, 2, … on 4 cells, in normalized units; physical values are 10 + 2 x.
  private func counting(frames: Int) -> NormalizedTrajectory {
    let values = (0..<frames).flatMap { frame in [Float](repeating: Float(frame), count: 4) }
    return NormalizedTrajectory(
      identifier: "counting", values: Tensor(values, shape: [frames, 1, 1, 1, 1, 4]),
      means: [10], deviations: [2])
  }

  /// The last frame plus `step`.
  private func adding(_ step: Double) -> PDEPredictor.Model {
    { windows in
      let last = windows.shape[1] - 1
      let frame = windows.sliced(axis: 1, last..<(last + 1))
        .reshaped(to: [windows.shape[0]] + windows.shape[2...])
      return frame + Tensor(filledWith: step, shape: Array(frame.shape.dropFirst()))
    }
  }

  @Test("predicts one step from true frames, and rolls out from the first window alone")
  func predictions() throws {
    let predictor = PDEPredictor(inputFrames: 2, rolloutSteps: 3, batchSize: 2)
    let result = predictor(counting(frames: 6), model: adding(1.5))
    // One step: true frames 1…4 plus 1.5, in physical units.
    let oneStep = stride(from: 0, to: 16, by: 4).map { result.oneStep.prediction.values[$0] }
    #expect(oneStep == [15, 17, 19, 21])
    #expect(result.oneStep.truth.values[0] == 14)
    #expect(result.oneStep.baseline.values[0] == 12)
    #expect(abs(result.loss - 0.25) < 1e-6)
    // Rollout: 1 + 1.5, then 1.5 more each step.
    let rollout = try #require(result.rollout)
    #expect(stride(from: 0, to: 12, by: 4).map { rollout.prediction.values[$0] } == [15, 18, 21])
    #expect(stride(from: 0, to: 12, by: 4).map { rollout.baseline.values[$0] } == [12, 12, 12])
    #expect(stride(from: 0, to: 12, by: 4).map { rollout.truth.values[$0] } == [14, 16, 18])
  }

  @Test("a perfect model has no error, and one step needs no rollout")
  func perfect() {
    let predictor = PDEPredictor(inputFrames: 1, rolloutSteps: 1)
    let result = predictor(counting(frames: 5), model: adding(1))
    #expect(result.loss == 0)
    #expect(result.rollout == nil)
    #expect(result.oneStep.prediction.values == result.oneStep.truth.values)
  }

  @Test("says which trajectories are long enough")
  func fits() {
    let predictor = PDEPredictor(inputFrames: 2, rolloutSteps: 19)
    #expect(predictor.fits(frames: 21))
    #expect(!predictor.fits(frames: 20))
  }

  @Test("names its headline among its metrics")
  func headline() {
    #expect(PDETask.headline.name == "VRMSE")
    #expect(PDETask.standardMetrics.contains { $0.name == PDETask.headline.name })
    #expect(PDETask.standardLoss.map { losses[$0] != nil } == true)
  }

  @Test("the mean squared error is the mean over all elements")
  func meanSquaredErrorLoss() {
    let loss = MeanSquaredError()
    let prediction = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let target = Tensor([1, 0, 3, 0] as [Float], shape: [2, 2])
    #expect(loss(prediction: prediction, target: target).scalar == 5)
  }
}
