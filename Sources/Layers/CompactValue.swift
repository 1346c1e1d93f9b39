package import Tensors

/// A frozen value kept in fewer bits than it has as a tensor.
package protocol CompactValue: Sendable {
  /// The value in full, f32; the same at every call.
  func tensor(_ shape: [Int]) -> Tensor
  /// Memory that is kept.
  var byteCount: Int { get }
}
