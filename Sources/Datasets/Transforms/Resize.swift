package import Recipes
package import Tensors

/// Brings all images to one size, in training and evaluation.
package struct Resize: Transform {
  package static let name = "resize"
  package static let summary = "brings images to one size, classes by their nearest pixels"
  package static let options: OptionTable =
    ([
      .size,
      Option(
        "keep_aspect", .boolean, default: false,
        "size is the shorter side's; the longer one follows"),
    ] as OptionTable).adding(resamplingOptions)
  package static let isDeterministic = true
  package static let effect = TransformEffect.scale

  /// How inputs are resampled: shared with transforms that resize what they cut out.
  static let resamplingOptions: OptionTable = [
    Option(
      "interpolation", .choice(ResizeFilter.self), default: "bilinear", "of inputs and numbers"),
    Option(
      "antialias", .boolean, default: true, "shrinking averages over all pixels"),
  ]

  private let size: ModelSection.ImageSize
  private let keepsAspect: Bool
  private let filter: ResizeFilter
  private let antialias: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    size = options.size("size") ?? .init(height: 1, width: 1)
    keepsAspect = options.bool("keep_aspect")
    filter = options.choice("interpolation", as: ResizeFilter.self)
    antialias = options.bool("antialias")
    if keepsAspect, options.optionalInt("size") == nil {
      diagnostics.error(
        .rule(
          "keep_aspect finds the longer side, so size is one number", mend: "give the shorter side"),
        at: options.location, path: "\(options.path).size")
    }
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    guard keepsAspect else {
      return sample.resized(to: (size.height, size.width), by: filter, antialias: antialias)
    }
    let (height, width) = try sample.size(for: Self.self)
    let longer = size.height * max(height, width) / min(height, width)
    return sample.resized(
      to: height <= width ? (size.height, longer) : (longer, size.height), by: filter,
      antialias: antialias)
  }
}
