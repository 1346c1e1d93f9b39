import Tensors

extension Tensor {
  /// One constant map for each value: `[batch, value, height, width]` over the pixels of a target
  /// `[batch, …, height, width]`.
  static func maps(_ values: [Float], like target: Tensor?) -> Tensor {
    guard let shape = target?.shape else { preconditionFailure("a batch without target") }
    let (batch, size) = (shape[0], Array(shape.suffix(2)))
    let plane = values.flatMap { [Float](repeating: $0, count: size[0] * size[1]) }
    return Tensor(
      [[Float]](repeating: plane, count: batch).flatMap(\.self),
      shape: [batch, values.count] + size)
  }
}
