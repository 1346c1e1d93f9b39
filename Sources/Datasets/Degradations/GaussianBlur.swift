internal import Foundation
package import Recipes
package import Tensors

/// Convolution with a Gaussian, rows then columns; borders are mirrored.
package struct GaussianBlur: Degradation {
  package static let name = "gaussian-blur"
  package static let summary = "blurs by a Gaussian kernel"
  package static let options: OptionTable = [
    Option(
      "sigma", DrawnNumber.type, default: .required, range: .above(0), unit: "pixels",
      "standard deviation, or [lowest, highest]"),
    Option(
      "kernel", .integer, default: .described("6 sigma + 1"), range: .atLeast(1), unit: "pixels",
      "side, an odd number"),
  ]

  private let sigma: DrawnNumber
  private let side: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    sigma = DrawnNumber("sigma", options, diagnostics)
    side = options.optionalInt("kernel")
    if let side, side % 2 == 0 {
      diagnostics.error(
        .rule("a kernel of \(side) pixels has no middle", mend: "give an odd number"),
        at: options.location, path: "\(options.path).kernel")
    }
  }

  package func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor {
    let sigma = sigma.drawn(&random)
    let reach = side.map { $0 / 2 } ?? Int((3 * sigma).rounded(.up))
    let weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = weights.reduce(0, +)
    let kernel = weights.map { $0 / sum }
    return image.resampled(axis: 1, .convolution(kernel, over: image.shape[1]))
      .resampledColumns(.convolution(kernel, over: image.shape[2]))
  }
}

extension AxisTaps {
  /// Each element replaced by a weighted sum of it and its neighbors.
  fileprivate static func convolution(_ kernel: [Double], over length: Int) -> AxisTaps {
    let reach = kernel.count / 2
    return AxisTaps(
      inputSize: length,
      outputs: (0..<length).map { position in
        kernel.enumerated().map { tap, weight in
          (mirroredPosition(position + tap - reach, length), weight)
        }
      })
  }
}

/// A position outside 0..<length reflected at the borders, which are not repeated.
func mirroredPosition(_ position: Int, _ length: Int) -> Int {
  guard length > 1 else { return 0 }
  let period = 2 * (length - 1)
  let place = ((position % period) + period) % period
  return place < length ? place : period - place
}
