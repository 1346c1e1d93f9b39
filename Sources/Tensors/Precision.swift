/// What frozen products and the activations between them are stored in (`train.precision`).
///
/// With `bf16` trainable values, sums, norm statistics, residual streams and optimizer states stay in
/// single precision.
package enum Precision: String, Sendable, Hashable, CaseIterable {
  case fp32, bf16
}
