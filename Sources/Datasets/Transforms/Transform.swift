package import Recipes
package import Tensors

/// A random change of training samples, the same for all inputs of a sample.
package protocol Transform: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// From images `[band, height, width]` of one size by input name to images of one size.
  ///
  /// - Throws: `DataError.optionInvalid` where the images cannot be changed so.
  func callAsFunction(
    _ images: [String: Tensor], _ random: inout Philox
  ) throws(DataError) -> [String: Tensor]
}

/// The transforms that recipes can name.
package let transforms = Registry<any Transform.Type>(
  kind: "transform",
  [
    HorizontalFlip.self,
    RandomCrop.self,
    VerticalFlip.self,
  ])

extension Tensor {
  /// Along an axis, in the opposite order.
  func mirrored(axis: Int) -> Tensor {
    let count = shape[axis]
    return gathered(
      axis: axis, indices: Tensor((0..<count).map { Int32(count - 1 - $0) }, shape: [count]))
  }
}
