package import Recipes
package import Tensors

/// Independent normal noise on every value of the inputs, after normalization; targets stay.
package struct AddedNoise: Transform {
  package static let name = "gaussian-noise"
  package static let summary = "adds normal noise to normalized inputs"
  package static let options: OptionTable = [
    Option(
      "std", DrawnNumber.type, default: .required, range: .atLeast(0),
      unit: "normalized units", "standard deviation, or [lowest, highest] of a sample"),
    .probability(1),
  ]
  package static let effect = TransformEffect.values

  private let deviation: DrawnNumber
  private let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    deviation = DrawnNumber("std", options, diagnostics)
    probability = options.number("probability")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    guard random.uniform() < probability else { return sample }
    let deviation = deviation.drawn(&random)
    return sample.mappedInputs { image in
      let copy = image.copied()
      copy.withMutableElements(of: Float.self) { values in
        for place in values.indices { values[place] += Float(deviation * random.normal()) }
      }
      return copy
    }
  }
}
