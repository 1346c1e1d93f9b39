internal import Foundation
package import Recipes
package import Tensors

/// White noise of a normal distribution, the same deviation in all channels.
package struct GaussianNoise: Degradation {
  package static let name = "gaussian-noise"
  package static let summary = "adds independent normal noise to every value"
  package static let options: OptionTable = [
    Option(
      "sigma", DrawnNumber.type, default: .required, range: .atLeast(0), unit: "of 255",
      "standard deviation, or [lowest, highest]")
  ]

  private let sigma: DrawnNumber

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    sigma = DrawnNumber("sigma", options, diagnostics)
  }

  package func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor {
    let deviation = sigma.drawn(&random) / 255
    var values = image.elements(as: Float.self)
    // Two normal numbers from two uniform ones (Box and Muller 1958).
    for place in stride(from: 0, to: values.count, by: 2) {
      let radius = (-2 * log(max(1 - random.uniform(), .leastNormalMagnitude))).squareRoot()
      let angle = 2 * Double.pi * random.uniform()
      values[place] += Float(deviation * radius * cos(angle))
      if place + 1 < values.count {
        values[place + 1] += Float(deviation * radius * sin(angle))
      }
    }
    return Tensor(values, shape: image.shape)
  }
}
