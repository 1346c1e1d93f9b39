package import Recipes
package import Tensors

/// Minus the peak signal-to-noise ratio in decibels, for images in 0…1 (NAFNet's loss).
package struct PSNRLoss: Loss {
  package static let name = "psnr"
  package static let summary =
    "minus the peak signal-to-noise ratio of each sample in dB, for images in 0…1"
  package static let targets: Set<TargetKind> = [.image]
  package static let options: OptionTable = [
    Option(
      "eps", .number, default: 1e-8, range: .above(0),
      "added to the mean squared error of each sample"),
    Option("to_y", .boolean, default: false, "compares the luma of RGB images"),
  ]

  private let epsilon: Double
  private let isOnLuma: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    epsilon = options.number("eps")
    isOnLuma = options.bool("to_y")
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    negativePSNR(prediction, target, epsilon: epsilon, onLuma: isOnLuma)
  }
}
