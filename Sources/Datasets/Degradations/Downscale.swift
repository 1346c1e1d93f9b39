package import Recipes
package import Tensors

/// Fewer pixels, brought back to the size of the image.
///
/// As restoration networks of equal size take low-resolution inputs: antialiased bicubic down to
/// round(side / factor) pixels, bicubic up (Keys' kernel with a = −0.5, that of Pillow).
package struct Downscale: Degradation {
  package static let name = "downscale"
  package static let summary = "shrinks the image and enlarges it again, both bicubic"
  package static let options: OptionTable = [
    Option(
      "factor", DrawnNumber.type, default: .required, range: .atLeast(1),
      "sides before over sides between, or [lowest, highest]")
  ]

  private let factor: DrawnNumber

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    factor = DrawnNumber("factor", options, diagnostics)
  }

  package func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor {
    let factor = factor.drawn(&random)
    let (height, width) = (image.shape[1], image.shape[2])
    func shrunk(_ side: Int) -> Int { max(1, Int((Double(side) / factor).rounded())) }
    let small = resized(image, to: (shrunk(height), shrunk(width)), by: .bicubic)
    return resized(small, to: (height, width), by: .bicubic)
  }
}
