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
  let prediction = try tensor("prediction")
  let target = try tensor("target")
  switch kind {
  case "mse": return meanSquaredError(prediction, target)
  case "cross_entropy":
    return crossEntropy(
      classesLast(prediction), labels: labels(target),
      ignoring: spec["ignore_index"]?.integer, smoothing: spec["label_smoothing"]?.number ?? 0)
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

/// `[batch, class, ...]` with the classes as the last axis.
private func classesLast(_ logits: Tensor) -> Tensor {
  logits.permuted([0] + Array(2..<logits.rank) + [1])
}

private func labels(_ stored: Tensor) -> Tensor {
  stored.dtype == .i64
    ? Tensor(stored.elements(as: Int64.self).map { Int32($0) }, shape: stored.shape) : stored
}
