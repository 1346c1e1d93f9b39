package import Recipes
package import Tensors

/// Turns by 0, 90, 180 or 270 degrees, each as likely as the others.
package struct RandomRotate90: Transform {
  package static let name = "random-rotate90"
  package static let summary = "turns square images by a random multiple of 90 degrees"
  package static let options: OptionTable = []
  package static let effect = TransformEffect.places

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    try sample.refuseUnlessSquare(Self.self)
    switch random.below(4) {
    case 0: return sample
    case 1: return sample.mapped { $0.transposed.mirroredRows }
    case 2: return sample.mapped { $0.mirroredRows.mirroredColumns }
    default: return sample.mapped { $0.transposed.mirroredColumns }
    }
  }
}

/// Makes rows of columns; with both flips, all eight symmetries of the square.
package struct Transpose: Transform {
  package static let name = "transpose"
  package static let summary = "mirrors square images on their diagonal"
  package static let options: OptionTable = [.probability(0.5)]
  package static let effect = TransformEffect.places

  private let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    probability = options.number("probability")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    try sample.refuseUnlessSquare(Self.self)
    return random.uniform() < probability ? sample.mapped { $0.transposed } : sample
  }
}

extension ImageSample {
  /// Images of other shapes would not fit into one batch.
  fileprivate func refuseUnlessSquare(_ transform: any Transform.Type) throws(DataError) {
    let images = inputs.values + (target.map { [$0] } ?? [])
    guard images.allSatisfy({ $0.shape[1] == $0.shape[2] }) else {
      throw .optionInvalid(
        key: "data.transforms.\(transform.name)", found: "on images of \(sizes)",
        expected: "square images; put a crop before it, or use flips")
    }
  }
}

extension Tensor {
  /// `[channel, column, row]`.
  fileprivate var transposed: Tensor { permuted([0, 2, 1]) }
}
