extension Tensor {
  /// The same values, recorded as depending on `other` with gradient zero.
  ///
  /// For shortcuts that leave out an operand whose true gradient is zero: an optimizer then still
  /// sees a gradient (and decays the weight), as it would without the shortcut.
  package func dependingWithZeroGradient(on other: Tensor) -> Tensor {
    guard other.isTracked else { return self }
    let (shape, dtype) = (other.shape, other.dtype)
    return recorded(from: [self, other]) { [$0, Tensor(zeros: shape, dtype: dtype)] }
  }
}
