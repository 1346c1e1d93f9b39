package import Recipes
package import Tensors

/// Cuts a square out of every image, at the same random place.
package struct RandomCrop: Transform {
  package static let name = "random-crop"
  package static let summary = "cuts a square at a random place"
  package static let options: OptionTable = [
    Option("size", .integer, default: .required, range: .atLeast(1), unit: "pixels", "side")
  ]

  private let size: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) { size = options.int("size") }

  package func callAsFunction(
    _ images: [String: Tensor], _ random: inout Philox
  ) throws(DataError) -> [String: Tensor] {
    guard let shape = images.values.first?.shape else { return images }
    guard shape[1] >= size, shape[2] >= size,
      images.values.allSatisfy({ $0.shape[1...] == shape[1...] })
    else {
      throw .optionInvalid(
        key: "data.transforms.random-crop.size", found: "\(size)",
        expected: "at most the smaller side of images of one size; they are "
          + images.values.map { "\($0.shape[1])×\($0.shape[2])" }.sorted().joined(separator: ", "))
    }
    let row = random.below(shape[1] - size + 1)
    let column = random.below(shape[2] - size + 1)
    return images.mapValues {
      $0.sliced(axis: 1, row..<(row + size)).sliced(axis: 2, column..<(column + size)).copied()
    }
  }
}
