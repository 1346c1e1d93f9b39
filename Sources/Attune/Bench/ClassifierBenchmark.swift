import Layers
import Tensors

/// A benchmark of a model that sorts images into classes: constant random images
/// `[batch, channel, height, width]`, labels, cross entropy of the model's logits.
protocol ClassifierBenchmark: ModelBenchmark {
  var classes: Int { get }
  /// Of the cross entropy.
  var labelSmoothing: Double { get }
}

extension ClassifierBenchmark {
  var labelSmoothing: Double { 0 }

  func fields(count: Int) -> [String: Tensor] {
    ["image": benchNoise([count] + sampleShape), "label": benchLabels(count, classes: classes)]
  }

  func output(
    _ model: AssembledModel, _ fields: [String: Tensor], _ context: ForwardContext
  ) -> Tensor {
    guard let image = fields["image"] else { preconditionFailure("a batch without image") }
    return model.logits(image, context)
  }

  func loss(_ output: Tensor, _ fields: [String: Tensor]) -> Tensor {
    guard let labels = fields["label"] else { preconditionFailure("a batch without label") }
    return crossEntropy(output, labels: labels, smoothing: labelSmoothing)
  }
}
