import Tensors

extension Tensor {
  /// One constant map for each value: `[batch, value, height, width]` over the pixels of a target
  /// `[batch, …, height, width]`.
  static func maps(_ values: [Float], like target: Tensor?) -> Tensor {
    guard let shape = target?.shape else { preconditionFailure("a batch without target") }
    let (batch, size) = (shape[0], Array(shape.suffix(2)))
    let plane = size[0] * size[1]
    let maps = Tensor(uninitialized: [batch, values.count] + size, dtype: .f32)
    maps.withMutableElements(of: Float.self) { elements in
      for number in 0..<(batch * values.count) {
        UnsafeMutableBufferPointer(rebasing: elements[(number * plane)..<((number + 1) * plane)])
          .update(repeating: values[number % values.count])
      }
    }
    return maps
  }
}
