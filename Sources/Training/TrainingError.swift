package import Recipes

/// What ends a training run.
package enum TrainingError: ExitCoded, Equatable {
  case lossNotFinite(step: Int, value: Double, samples: [String])
  case gradientNotFinite(step: Int, parameter: String)
  case groupMatchesNothing(pattern: String)
  case nothingToTrain
  case checkpointMismatch(path: String, reason: String)

  package var exitCode: ExitCode {
    switch self {
    case .lossNotFinite, .gradientNotFinite: .failed
    case .groupMatchesNothing, .nothingToTrain: .invalidRecipe
    case .checkpointMismatch: .malformedData
    }
  }
}

extension TrainingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .lossNotFinite(let step, let value, let samples):
      "step \(step): the loss is \(value), expected a finite number. Samples: "
        + "\(samples.prefix(4).joined(separator: ", ")). Lower train.optimizer.lr, set "
        + "train.clip_grad_norm, or allow it with train.nonfinite: {skip: N}"
    case .gradientNotFinite(let step, let parameter):
      "step \(step): the gradient of \(parameter) is not finite. Lower train.optimizer.lr or set "
        + "train.clip_grad_norm, or allow it with train.nonfinite: {skip: N}"
    case .groupMatchesNothing(let pattern):
      "train.lr_groups: pattern '\(pattern)' matches no trained parameter. `attune inspect` lists "
        + "the model's modules"
    case .nothingToTrain:
      "no parameter is trained. Give an adapter, or set model.freeze_backbone: false"
    case .checkpointMismatch(let path, let reason): "\(path): \(reason)"
    }
  }
}
