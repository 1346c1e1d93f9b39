package import Recipes
package import Tensors

/// Prediction of a PDE's next state from a window of states, one step ahead and in rollout.
package enum PDETask: LearningTask {
  package static let name = "pde"
  package static let summary = "next frame of a physical field, and rollouts"
  package static let options: OptionTable = []
  package static let target = TargetKind.frames
  package static let headline: any Metric.Type = VRMSE.self
  package static let standardMetrics: [any Metric.Type] = [VRMSE.self, NRMSE.self, RMSE.self]
  package static let standardLoss: String? = "mse"
  package static let baselineName = "last state"

  package static func judges(_ metric: any Metric.Type) -> Bool { metric is any FieldMetric.Type }
}

/// One trajectory as the model sees it, with what brings it back to physical units.
package struct NormalizedTrajectory: Sendable {
  package let identifier: String
  /// `[T, F, C, D, H, W]`, normalized.
  package let values: Tensor
  /// One mean and one standard deviation per field.
  package let means: [Double]
  package let deviations: [Double]

  package init(identifier: String, values: Tensor, means: [Double], deviations: [Double]) {
    precondition(
      values.rank == 6 && means.count == values.shape[1] && deviations.count == means.count,
      "trajectory of shape \(values.shape) with \(means.count) means")
    self.identifier = identifier
    self.values = values
    self.means = means
    self.deviations = deviations
  }

  /// Frames `[T, F, C, D, H, W]` in physical units.
  package func physical(_ frames: Tensor) -> Trajectory {
    let fields = frames.shape[1]
    let perField = frames.shape[2...].reduce(1, *)
    var values = frames.elements(as: Float.self)
    for block in 0..<(frames.shape[0] * fields) {
      let (mean, deviation) = (Float(means[block % fields]), Float(deviations[block % fields]))
      for index in (block * perField)..<((block + 1) * perField) {
        values[index] = values[index] * deviation + mean
      }
    }
    return Trajectory(values, shape: frames.shape)
  }
}

/// Predictions for one trajectory beside the truth and the trivial baseline, in physical units.
package struct PDEPrediction: Sendable {
  /// Frames `t…T−1`, each from the true frames before it.
  package let oneStep: (prediction: Trajectory, truth: Trajectory, baseline: Trajectory)
  /// Frames from the first window alone; nil where the recipe asks for one step only.
  package let rollout: (prediction: Trajectory, truth: Trajectory, baseline: Trajectory)?
  /// Mean squared error of the one-step predictions in normalized units.
  package let loss: Double
}

extension PDEPrediction {
  package func write(to writer: inout ByteWriter) {
    writer.append(loss)
    writer.append(rollout != nil)
    for part in [oneStep, rollout].compactMap({ $0 }) {
      for trajectory in [part.prediction, part.truth, part.baseline] {
        trajectory.write(to: &writer)
      }
    }
  }

  package init(from reader: inout ByteReader) {
    func part() -> (prediction: Trajectory, truth: Trajectory, baseline: Trajectory) {
      (Trajectory(from: &reader), Trajectory(from: &reader), Trajectory(from: &reader))
    }
    loss = reader.value()
    let hasRollout = reader.value(Bool.self)
    oneStep = part()
    rollout = hasRollout ? part() : nil
  }
}

/// Runs a model over whole trajectories.
package struct PDEPredictor: Sendable {
  /// Next frame `[B, F, C, D, H, W]` from windows `[B, t, F, C, D, H, W]`, both normalized.
  package typealias Model = @Sendable (Tensor) -> Tensor

  /// Frames of a window.
  package let inputFrames: Int
  /// Frames of a rollout; 1 for none.
  package let rolloutSteps: Int
  /// Windows in one forward pass.
  package let batchSize: Int

  /// Windows in one forward pass where nothing else is asked for.
  package static let standardBatchSize = 32

  package init(
    inputFrames: Int, rolloutSteps: Int, batchSize: Int = PDEPredictor.standardBatchSize
  ) {
    self.inputFrames = inputFrames
    self.rolloutSteps = rolloutSteps
    self.batchSize = batchSize
  }

  /// Whether a trajectory of this many frames holds a window, its target and the rollout.
  package func fits(frames: Int) -> Bool {
    frames >= inputFrames + max(1, rolloutSteps)
  }

  /// Predictions for a trajectory; those of one step, `[T − t, F, C, D, H, W]`, may be given.
  package func callAsFunction(
    _ trajectory: NormalizedTrajectory, oneStep known: Tensor? = nil, model: Model
  ) -> PDEPrediction {
    let x = trajectory.values
    let frames = x.shape[0]
    precondition(
      fits(frames: frames),
      "\(frames) frames for windows of \(inputFrames) and \(rolloutSteps) steps")
    let truth = x.sliced(axis: 0, inputFrames..<frames)
    let predicted = known ?? oneStep(x, model)
    let previous = x.sliced(axis: 0, (inputFrames - 1)..<(frames - 1))
    let loss = meanSquaredError(predicted, truth).scalar
    return PDEPrediction(
      oneStep: (
        trajectory.physical(predicted), trajectory.physical(truth), trajectory.physical(previous)
      ),
      rollout: rolloutSteps > 1 ? rollout(trajectory, model) : nil, loss: loss)
  }

  /// Predictions `[T − t, F, C, D, H, W]` from all windows of true frames.
  private func oneStep(_ x: Tensor, _ model: Model) -> Tensor {
    let count = x.shape[0] - inputFrames
    let windows = (0..<count).map { start in
      x.sliced(axis: 0, start..<(start + inputFrames))
        .reshaped(to: [1, inputFrames] + x.shape[1...])
    }
    let parts = stride(from: 0, to: count, by: batchSize).map { start in
      model(
        .concatenated(Array(windows[start..<min(start + batchSize, count)]), axis: 0)
      ).detached()
    }
    return .concatenated(parts, axis: 0)
  }

  private func rollout(
    _ trajectory: NormalizedTrajectory, _ model: Model
  ) -> (prediction: Trajectory, truth: Trajectory, baseline: Trajectory) {
    let x = trajectory.values
    let frames = rolledOut(x.sliced(axis: 0, 0..<inputFrames), model)
    let truth = x.sliced(axis: 0, inputFrames..<(inputFrames + rolloutSteps))
    let last = x.sliced(axis: 0, (inputFrames - 1)..<inputFrames)
    let held = Tensor.concatenated([Tensor](repeating: last, count: rolloutSteps), axis: 0)
    return (
      trajectory.physical(frames), trajectory.physical(truth), trajectory.physical(held)
    )
  }

  /// Predicts, drops the oldest frame, appends the prediction, repeats (morph: rollout).
  ///
  /// From the first frames `[t, F, C, D, H, W]` to `[steps, F, C, D, H, W]`.
  package func rolledOut(_ window: Tensor, _ model: Model) -> Tensor {
    var window = window
    var frames: [Tensor] = []
    for _ in 0..<rolloutSteps {
      let next = model(window.reshaped(to: [1] + window.shape)).detached()
      frames.append(next)
      window = .concatenated([window.sliced(axis: 0, 1..<window.shape[0]), next], axis: 0)
    }
    return .concatenated(frames, axis: 0)
  }
}
