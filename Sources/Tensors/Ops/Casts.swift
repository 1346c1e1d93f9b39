internal import CKernels

extension Tensor {
  /// The values in another floating-point type, not recorded; bf16 rounds to nearest even.
  package func cast(to target: DType) -> Tensor {
    guard target != dtype else { return self }
    let result = Tensor(uninitialized: shape, dtype: target)
    switch (dtype, target) {
    case (.f32, .f64):
      attune_f32_to_f64(typed(), result.typed(), elementCount)
    case (.f64, .f32):
      attune_f64_to_f32(typed(), result.typed(), elementCount)
    case (.f32, .bf16):
      attune_products().pointee.to_half(typed(), result.typed(), elementCount)
    case (.bf16, .f32):
      attune_products().pointee.from_half(typed(), result.typed(), elementCount)
    default:
      preconditionFailure("no cast from \(dtype) to \(target)")
    }
    return result
  }

  /// The values in another floating-point type; gradients pass in the type of this tensor.
  package func converted(to target: DType) -> Tensor {
    guard target != dtype else { return self }
    let source = dtype
    return cast(to: target).recorded(from: [self]) { [$0.cast(to: source)] }
  }

  private func typed<Element>() -> UnsafeMutablePointer<Element> {
    pointer.assumingMemoryBound(to: Element.self)
  }
}
