package import Recipes
package import Tensors

/// Leaves out random bands of every input, at least one of each being kept; targets stay.
package struct BandDropout: Transform {
  package static let name = "band-dropout"
  package static let summary = "gives random bands of each input one value, keeping at least one"
  package static let options: OptionTable = [
    Option("probability", .number, default: .absent, range: .within(0...1), "chance of each band"),
    Option(
      "number", .either([.integer, .list(.integer, count: 2...2)]), default: .absent,
      range: .atLeast(0), unit: "bands",
      "how many of each input, or [fewest, most]; of inputs with fewer, all but one"),
    .fill,
  ]
  package static let effect = TransformEffect.values

  private enum Amount {
    case probability(Double)
    case number(ClosedRange<Int>)
  }

  private let amount: Amount
  private let fill: Float

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    let ends = options.optionalInt("number").map { [$0, $0] } ?? options.ints("number")
    switch (options.optionalNumber("probability"), ends) {
    case (let probability?, []): amount = .probability(probability)
    case (nil, let ends) where ends.count == 2 && ends[0] <= ends[1]:
      amount = .number(ends[0]...ends[1])
    default:
      amount = .number(0...0)
      diagnostics.error(
        .rule(
          "band-dropout needs a chance or a number of bands",
          mend: "give either probability, or number as one count or [fewest, most]"),
        at: options.location, path: options.path)
    }
    fill = Float(options.number("fill"))
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    sample.mappedInputs { image in
      let dropped = dropped(of: image.shape[0], &random)
      guard !dropped.isEmpty else { return image }
      let copy = image.copied()
      let pixels = image.shape[1] * image.shape[2]
      copy.withMutableElements(of: Float.self) { values in
        for band in dropped {
          for place in (band * pixels)..<((band + 1) * pixels) { values[place] = fill }
        }
      }
      return copy
    }
  }

  /// Numbers of the bands left out; of all, one that is drawn comes back.
  private func dropped(of bands: Int, _ random: inout Philox) -> [Int] {
    switch amount {
    case .probability(let probability):
      var dropped = (0..<bands).filter { _ in random.uniform() < probability }
      if dropped.count == bands { dropped.remove(at: random.below(bands)) }
      return dropped
    case .number(let range):
      let count = range.lowerBound + random.below(range.count)
      return Array(random.permutation(bands).prefix(min(count, bands - 1)))
    }
  }
}
