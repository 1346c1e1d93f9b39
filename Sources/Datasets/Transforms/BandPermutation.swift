package import Recipes
package import Tensors

/// Shuffles bands within groups of neighboring ones; targets stay.
///
/// M3LEO's `RandomPermuteAxisGroups`: with groups of three, the bands of each season or percentile stay
/// together.
package struct BandPermutation: Transform {
  package static let name = "band-permutation"
  package static let summary = "shuffles bands within groups of each input"
  package static let options: OptionTable = [
    Option(
      "group", .integer, default: .required, range: .atLeast(2), unit: "bands",
      "bands in a group; every input has whole groups"),
    .probability(0.5, of: "group"),
  ]
  package static let effect = TransformEffect.values

  private let group: Int
  private let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    group = max(1, options.int("group"))
    probability = options.number("probability")
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    for (name, image) in sample.inputs.sorted(by: { $0.key < $1.key })
    where image.shape[0] % group != 0 {
      throw .optionInvalid(
        key: "data.transforms.\(Self.name).group", found: "\(group)",
        expected: "a divisor of the \(image.shape[0]) bands of input '\(name)'")
    }
    return sample.mappedInputs { image in
      var order: [Int32] = []
      for first in stride(from: 0, to: image.shape[0], by: group) {
        let isShuffled = random.uniform() < probability
        let places = isShuffled ? random.permutation(group) : Array(0..<group)
        order += places.map { Int32(first + $0) }
      }
      return image.gathered(axis: 0, indices: Tensor(order, shape: [order.count]))
    }
  }
}
