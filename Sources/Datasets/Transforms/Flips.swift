package import Recipes
package import Tensors

/// Mirrors columns with probability 1/2.
package struct HorizontalFlip: Transform {
  package static let name = "horizontal-flip"
  package static let summary = "mirrors left and right with probability 1/2"
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func callAsFunction(
    _ images: [String: Tensor], _ random: inout Philox
  ) throws(DataError) -> [String: Tensor] {
    random.uniform() < 0.5 ? images.mapValues { $0.mirrored(axis: 2) } : images
  }
}

/// Mirrors rows with probability 1/2.
package struct VerticalFlip: Transform {
  package static let name = "vertical-flip"
  package static let summary = "mirrors top and bottom with probability 1/2"
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func callAsFunction(
    _ images: [String: Tensor], _ random: inout Philox
  ) throws(DataError) -> [String: Tensor] {
    random.uniform() < 0.5 ? images.mapValues { $0.mirrored(axis: 1) } : images
  }
}
