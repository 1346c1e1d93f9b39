import Backbones
import Formats
import Tensors

/// The loss of a case by its `loss_spec`, nil where there is none.
///
/// Names mean outputs of the run where there is one, else stored tensors.
func parityLoss(_ parityCase: ParityCase, _ outputs: [String: Tensor]) throws -> Tensor? {
  guard let spec = parityCase.description["loss_spec"]?.object,
    let kind = spec["kind"]?.string, kind != "none"
  else { return nil }
  func tensor(_ key: String) throws -> Tensor {
    guard let name = spec[key]?.string else {
      throw VerifyError("\(parityCase.name): loss_spec.\(key) is missing")
    }
    let stored = parityCase.storedName(name)
    return try outputs[stored] ?? parityCase.tensor(stored)
  }
  if kind == "masked_reconstruction" {
    return try reconstructionLoss(parityCase, spec) { try outputs[$0] ?? parityCase.tensor($0) }
  }
  let prediction = try tensor("prediction")
  let target = try tensor("target")
  switch kind {
  case "mse": return meanSquaredError(prediction, target)
  case "cross_entropy":
    return crossEntropy(
      classesLast(prediction), labels: labels(target),
      ignoring: spec["ignore_index"]?.integer, smoothing: spec["label_smoothing"]?.number ?? 0)
  case "bce":
    guard spec["with_logits"]?.bool != false else {
      throw VerifyError("\(parityCase.name): loss_spec bce of probabilities is not known")
    }
    return binaryCrossEntropy(prediction, targets: shares(target))
  case "sum_product": return (prediction * target).sum()
  case "psnr":
    return negativePSNR(
      prediction, target, epsilon: spec["eps"]?.number ?? 1e-8, onLuma: spec["to_y"]?.bool ?? false)
  case "masked_mse":
    let difference = prediction - target
    let mask = try tensor("mask")
    let errors = (difference * difference).averaged(over: [prediction.rank - 1])
      .reshaped(to: mask.shape)
    return (errors * mask).sum().scaled(by: 1 / mask.sum().scalar)
  default: throw VerifyError("\(parityCase.name): loss_spec.kind \(kind) is not known")
  }
}

/// The pretraining loss of LESS ViT, added up over the case's modes.
private func reconstructionLoss(
  _ parityCase: ParityCase, _ spec: JSONObject, _ tensor: (_ name: String) throws -> Tensor
) throws -> Tensor {
  guard let radarChannels = spec["radar_channels"]?.integer,
    let measure = MaskedReconstruction.Measure(rawValue: spec["error"]?.string ?? ""),
    let modes = spec["modes"]?.array?.compactMap(\.string), !modes.isEmpty
  else { throw VerifyError("\(parityCase.name): loss_spec lacks modes, error or radar_channels") }
  let loss = MaskedReconstruction(
    measure: measure, radarChannels: radarChannels,
    ignoresZeroTargets: spec["ignore_zero_targets"]?.bool ?? false)
  let losses = try modes.map { mode in
    func named(_ key: String) throws -> Tensor {
      guard let name = spec[key]?.string else {
        throw VerifyError("\(parityCase.name): loss_spec.\(key) is missing")
      }
      return try tensor(name.replacing("{mode}", with: mode))
    }
    return loss(
      try named("prediction"), try named("target"),
      positionMask: try named("position_mask"), channelMask: try named("channel_mask"))
  }
  return losses.dropFirst().reduce(losses[0]) { $0 + $1 }
}

/// `[batch, class, ...]` with the classes as the last axis.
private func classesLast(_ logits: Tensor) -> Tensor {
  logits.permuted([0] + Array(2..<logits.rank) + [1])
}

/// Targets between 0 and 1, stored as numbers or as whole ones.
private func shares(_ stored: Tensor) -> Tensor {
  switch stored.dtype {
  case .i64: Tensor(stored.elements(as: Int64.self).map { Float($0) }, shape: stored.shape)
  case .i32: Tensor(stored.elements(as: Int32.self).map { Float($0) }, shape: stored.shape)
  case .u8: Tensor(stored.elements(as: UInt8.self).map { Float($0) }, shape: stored.shape)
  case .f32, .f64, .bf16: stored
  }
}

func labels(_ stored: Tensor) -> Tensor {
  stored.dtype == .i64
    ? Tensor(stored.elements(as: Int64.self).map { Int32($0) }, shape: stored.shape) : stored
}
