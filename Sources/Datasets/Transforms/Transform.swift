package import Recipes
package import Tensors

/// A change of the images of a sample, the same for all its inputs and a raster target.
///
/// Values are normalized before. What is drawn comes from a stream of the sample and the epoch, so it
/// depends neither on threads nor on other samples.
package protocol Transform: RegistryEntry, Sendable {
  /// Whether nothing is drawn: such transforms prepare images in evaluation, too.
  static var isDeterministic: Bool { get }
  /// What happens to the grid of pixels.
  static var effect: TransformEffect { get }

  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// The changed sample.
  ///
  /// - Throws: `DataError.optionInvalid` where the images cannot be changed so.
  func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample
}

extension Transform {
  package static var isDeterministic: Bool { false }
}

/// What a transform does to the grid of pixels.
package enum TransformEffect: Sendable {
  /// Values of inputs change where they are; targets stay.
  case values
  /// Pixels change places around the middle, which stays the middle.
  case places
  /// A part of the image is cut out.
  case extent
  /// Pixels become larger or smaller.
  case scale
}

extension [any Transform] {
  /// Those that a sample goes through: in evaluation only what draws nothing.
  func applied(augmented: Bool) -> [any Transform] {
    augmented ? self : filter { type(of: $0).isDeterministic }
  }

  /// Images of a scene as a trained model takes them, pixel by pixel.
  ///
  /// - Throws: `DataError.optionInvalid` where the model was trained on images of another scale.
  func preparing(_ inputs: [String: Tensor]) throws(DataError) -> [String: Tensor] {
    var sample = ImageSample(inputs: inputs)
    var unused = Philox(seed: 0, purpose: .augmentation, step: 0, index: 0)
    for transform in applied(augmented: false) {
      switch type(of: transform).effect {
      case .values, .places: sample = try transform(sample, &unused)
      case .extent: continue
      case .scale:
        throw .optionInvalid(
          key: "data.transforms.\(type(of: transform).name)", found: "in the recipe of the run",
          expected: "no change of scale, since a scene is predicted pixel by pixel; train on files "
            + "of that resolution, or on windows by data.patch")
      }
    }
    return sample.inputs
  }
}

/// The transforms that recipes can name.
package let transforms = Registry<any Transform.Type>(
  kind: "transform",
  [
    AddedNoise.self,
    BandDropout.self,
    BandPermutation.self,
    Brightness.self,
    CenterCrop.self,
    Clip.self,
    Contrast.self,
    Erase.self,
    HorizontalFlip.self,
    RandomCrop.self,
    RandomResizedCrop.self,
    RandomRotate90.self,
    Resize.self,
    Rotate.self,
    Transpose.self,
    VerticalFlip.self,
  ])

extension Option {
  /// The chance of a random change.
  static func probability(_ standard: OptionDefault, of unit: String = "sample") -> Option {
    Option(
      "probability", .number, default: standard, range: .within(0...1), "chance of each \(unit)")
  }

  /// What stands where inputs have no value any more.
  static let fill = Option(
    "fill", .number, default: 0, "value after normalization; 0 is the mean under zscore")

  /// A side or both, in pixels.
  static let size = Option(
    "size", .either([.integer, .list(.integer, count: 2...2)]), default: .required,
    range: .atLeast(1), unit: "pixels", "side of a square, or [height, width]")
}
