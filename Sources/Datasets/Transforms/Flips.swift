package import Recipes
package import Tensors

/// Mirrors columns.
package struct HorizontalFlip: Transform {
  package static let name = "horizontal-flip"
  package static let summary = "mirrors left and right"
  package static let options: OptionTable = [.probability(0.5)]
  package static let effect = TransformEffect.places

  private let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    probability = options.number("probability")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    random.uniform() < probability ? sample.mapped { $0.mirroredColumns } : sample
  }
}

/// Mirrors rows.
package struct VerticalFlip: Transform {
  package static let name = "vertical-flip"
  package static let summary = "mirrors top and bottom"
  package static let options: OptionTable = [.probability(0.5)]
  package static let effect = TransformEffect.places

  private let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    probability = options.number("probability")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    random.uniform() < probability ? sample.mapped { $0.mirroredRows } : sample
  }
}

extension Tensor {
  /// Rows in the opposite order; f32 `[channel, row, column]`.
  var mirroredRows: Tensor {
    let count = shape[1]
    return gathered(
      axis: 1, indices: Tensor((0..<count).map { Int32(count - 1 - $0) }, shape: [count]))
  }

  /// Columns in the opposite order; f32 `[channel, row, column]`.
  var mirroredColumns: Tensor {
    let (width, rows) = (shape[2], shape[0] * shape[1])
    let result = Tensor(uninitialized: shape)
    withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        for row in 0..<rows {
          let (first, last) = (row * width, row * width + width - 1)
          for column in 0..<width { target[first &+ column] = source[last &- column] }
        }
      }
    }
    return result
  }
}
