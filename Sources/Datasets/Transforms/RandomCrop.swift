package import Recipes
package import Tensors

/// Cuts a rectangle out of every image, at the same random place.
package struct RandomCrop: Transform {
  package static let name = "random-crop"
  package static let summary = "cuts a part of fixed size out at a random place"
  package static let options: OptionTable = [.size]
  package static let effect = TransformEffect.extent

  private let size: ModelSection.ImageSize

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    size = options.size("size") ?? .init(height: 1, width: 1)
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    let (height, width) = try sample.size(for: Self.self)
    try sample.refuseCrop(of: size, Self.self)
    let row = random.below(height - size.height + 1)
    let column = random.below(width - size.width + 1)
    return sample.cropped(
      rows: row..<(row + size.height), columns: column..<(column + size.width))
  }
}
