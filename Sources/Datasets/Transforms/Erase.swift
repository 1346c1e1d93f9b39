package import Recipes
package import Tensors

/// Random erasing (arXiv 1708.04896): a rectangle of every input becomes one value; targets stay.
package struct Erase: Transform {
  package static let name = "erase"
  package static let summary = "gives a random rectangle of all inputs one value"
  package static let options =
    ([.probability(0.5), .fill] as OptionTable)
    .adding(
      RandomRectangle.options(
        scale: [.number(0.02), .number(0.33)], ratio: [.number(0.3), .number(3.3)],
        of: "height over width"))
  package static let effect = TransformEffect.values

  private let probability: Double
  private let rectangle: RandomRectangle
  private let fill: Float

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    probability = options.number("probability")
    rectangle = RandomRectangle(options, diagnostics)
    fill = Float(options.number("fill"))
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    let (height, width) = try ImageSample(inputs: sample.inputs).size(for: Self.self)
    guard random.uniform() < probability,
      let (rows, columns) = rectangle.sides(
        area: height * width, &random,
        fits: { 0 < $0 && $0 < height && 0 < $1 && $1 < width })
    else { return sample }
    let top = random.below(height - rows + 1)
    let left = random.below(width - columns + 1)
    return sample.mappedInputs { image in
      let copy = image.copied()
      copy.withMutableElements(of: Float.self) { values in
        for channel in 0..<image.shape[0] {
          for row in top..<(top + rows) {
            let start = (channel * height + row) * width + left
            for place in start..<(start + columns) { values[place] = fill }
          }
        }
      }
      return copy
    }
  }
}
