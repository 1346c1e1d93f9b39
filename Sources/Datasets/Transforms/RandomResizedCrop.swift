package import Recipes
package import Tensors

/// Cuts out a part of random area and shape and brings it to one size, as torchvision does.
///
/// After ten parts that do not fit, the largest middle part of an allowed shape is taken. Evaluation
/// sees whole images: a recipe whose images differ in size puts `resize` before it.
package struct RandomResizedCrop: Transform {
  package static let name = "random-resized-crop"
  package static let summary = "cuts out a part of random area and shape, then resizes it"
  package static let options =
    ([.size] as OptionTable)
    .adding(
      RandomRectangle.options(
        scale: [.number(0.08), .integer(1)], ratio: [.number(0.75), .number(4.0 / 3)],
        of: "width over height")
    ).adding(Resize.resamplingOptions)
  package static let effect = TransformEffect.scale

  private let size: ModelSection.ImageSize
  private let rectangle: RandomRectangle
  private let filter: ResizeFilter
  private let antialias: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    size = options.size("size") ?? .init(height: 1, width: 1)
    rectangle = RandomRectangle(options, diagnostics)
    filter = options.choice("interpolation", as: ResizeFilter.self)
    antialias = options.bool("antialias")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    let (height, width) = try sample.size(for: Self.self)
    let part = part(height: height, width: width, &random)
    return sample.cropped(rows: part.rows, columns: part.columns)
      .resized(to: (size.height, size.width), by: filter, antialias: antialias)
  }

  /// The part of an image that is cut out.
  package func part(
    height: Int, width: Int, _ random: inout Philox
  ) -> (rows: Range<Int>, columns: Range<Int>) {
    let drawn = rectangle.sides(area: height * width, &random) {
      0 < $0 && $0 <= width && 0 < $1 && $1 <= height
    }
    if let (columns, rows) = drawn {
      let top = random.below(height - rows + 1)
      let left = random.below(width - columns + 1)
      return (top..<(top + rows), left..<(left + columns))
    }
    let own = Double(width) / Double(height)
    let ratio = rectangle.bounded(ratio: own)
    let rows = own < ratio ? Int((Double(width) / ratio).rounded(.toNearestOrEven)) : height
    let columns = own > ratio ? Int((Double(height) * ratio).rounded(.toNearestOrEven)) : width
    let (top, left) = ((height - rows) / 2, (width - columns) / 2)
    return (top..<(top + max(1, rows)), left..<(left + max(1, columns)))
  }
}
