package import Recipes
package import Tensors

/// Cuts the middle out of every image, in training and evaluation.
package struct CenterCrop: Transform {
  package static let name = "center-crop"
  package static let summary = "cuts out the middle"
  package static let options: OptionTable = [.size]
  package static let isDeterministic = true
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
    let row = Self.margin(height - size.height)
    let column = Self.margin(width - size.width)
    return sample.cropped(
      rows: row..<(row + size.height), columns: column..<(column + size.width))
  }

  /// Half of what is cut off; of an odd number the half that is even, as torchvision rounds.
  private static func margin(_ surplus: Int) -> Int {
    Int((Double(surplus) / 2).rounded(.toNearestOrEven))
  }
}

extension ImageSample {
  /// Refuses to cut more out of an image than it has.
  func refuseCrop(
    of size: ModelSection.ImageSize, _ transform: any Transform.Type
  ) throws(DataError) {
    let (height, width) = try self.size(for: transform)
    guard size.height <= height, size.width <= width else {
      throw .optionInvalid(
        key: "data.transforms.\(transform.name).size", found: "\(size.height)×\(size.width)",
        expected: "at most the \(height)×\(width) pixels of the images; resize them before")
    }
  }
}
