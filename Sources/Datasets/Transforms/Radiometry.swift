package import Recipes
package import Tensors

/// Adds one number to all values of an input: x + b.
///
/// Values are normalized, so b counts in standard deviations under zscore: a brighter scene in all
/// bands. Each input has its own b; targets stay.
package struct Brightness: Transform {
  package static let name = "brightness"
  package static let summary = "adds a random number to all bands of a normalized input"
  package static let options: OptionTable = [
    Option(
      "amount", .number, default: .required, range: .atLeast(0), unit: "normalized units",
      "uniform from -amount to amount"),
    .probability(1),
  ]
  package static let effect = TransformEffect.values

  private let amount: Double
  private let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    amount = options.number("amount")
    probability = options.number("probability")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    guard random.uniform() < probability else { return sample }
    return sample.mappedInputs { image in
      let shift = Float(random.uniform(in: -amount...amount))
      return image.changed { _, value in value + shift }
    }
  }
}

/// Stretches the values of an input around the mean of each band: m + c (x − m).
///
/// The mean m is that of the band in this sample. c is the same for all bands of an input, which has
/// its own; targets stay.
package struct Contrast: Transform {
  package static let name = "contrast"
  package static let summary = "stretches all bands of a normalized input around their means"
  package static let options: OptionTable = [
    Option(
      "amount", .number, default: .required, range: .within(0...1),
      "the factor is uniform from 1 - amount to 1 + amount"),
    .probability(1),
  ]
  package static let effect = TransformEffect.values

  private let amount: Double
  private let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    amount = options.number("amount")
    probability = options.number("probability")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    guard random.uniform() < probability else { return sample }
    return sample.mappedInputs { image in
      let factor = Float(1 + random.uniform(in: -amount...amount))
      let means = image.averaged(over: [1, 2]).elements(as: Float.self)
      return image.changed { band, value in means[band] + factor * (value - means[band]) }
    }
  }
}

/// Bounds normalized values, in training and evaluation; targets stay.
package struct Clip: Transform {
  package static let name = "clip"
  package static let summary = "bounds normalized inputs"
  package static let options: OptionTable = [
    Option("min", .number, default: .absent, unit: "normalized units", "lowest value left"),
    Option("max", .number, default: .absent, unit: "normalized units", "highest value left"),
  ]
  package static let isDeterministic = true
  package static let effect = TransformEffect.values

  private let bounds: ClosedRange<Float>

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    let low = options.optionalNumber("min").map { Float($0) } ?? -.infinity
    let high = options.optionalNumber("max").map { Float($0) } ?? .infinity
    bounds = low <= high ? low...high : low...low
    if low > high || low == -.infinity && high == .infinity {
      diagnostics.error(
        .rule("clip has no bounds that values can lie in", mend: "give min, max, or min < max"),
        at: options.location, path: options.path)
    }
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    sample.mappedInputs { image in
      image.changed { _, value in min(max(value, bounds.lowerBound), bounds.upperBound) }
    }
  }
}

extension Tensor {
  /// Each value changed by its band; f32 `[band, row, column]`.
  fileprivate func changed(_ change: (_ band: Int, _ value: Float) -> Float) -> Tensor {
    let pixels = shape[1] * shape[2]
    let result = Tensor(uninitialized: shape)
    withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        for band in 0..<shape[0] {
          for place in (band * pixels)..<((band + 1) * pixels) {
            target[place] = change(band, source[place])
          }
        }
      }
    }
    return result
  }
}
