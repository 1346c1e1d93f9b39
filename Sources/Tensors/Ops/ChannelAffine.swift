internal import CKernels

extension Tensor {
  /// Every channel times its factor plus its summand.
  ///
  /// The tensor is `[batch, channels, ...]` and is kept only where the factors are trained.
  /// - Parameters:
  ///   - weight: `[channels]` or nil for 1.
  ///   - bias: `[channels]` or nil for 0.
  /// - Returns: the tensor's shape.
  package func affineByChannel(weight: Tensor?, bias: Tensor?) -> Tensor {
    let (batch, channels) = (shape[0], shape[1])
    let inner = shape[2...].reduce(1, *)
    precondition(
      weight.map { $0.shape == [channels] } ?? true && bias.map { $0.shape == [channels] } ?? true,
      "channels of \(shape) by \(weight?.shape ?? []) plus \(bias?.shape ?? [])")
    let zeros = [Double](repeating: 0, count: channels)
    let ones = [Double](repeating: 1, count: channels)
    let y = Tensor(uninitialized: shape, dtype: dtype)
    kernels(dtype).channel_norm(
      pointer, zeros, ones, weight?.pointer, bias?.pointer, y.pointer, batch, channels, inner)
    let operands = [self] + [weight, bias].compactMap { $0 }
    let input = weight?.isTracked == true ? detached() : nil
    let (gain, needsInput) = (weight?.detached(), isTracked)
    let (hasWeight, hasBias) = (weight != nil, bias != nil)
    let needsBias = bias?.isTracked ?? false
    return y.recorded(from: operands) { gradient in
      let dx = needsInput ? gradient.affineByChannel(weight: gain, bias: nil) : nil
      let dw = input.map { Tensor(uninitialized: [channels], dtype: $0.dtype) }
      let db = needsBias ? Tensor(uninitialized: [channels], dtype: gradient.dtype) : nil
      if dw != nil || db != nil {
        kernels(gradient.dtype).channel_norm_backward(
          (input ?? gradient).pointer, zeros, ones, nil, gradient.pointer, nil, dw?.pointer,
          db?.pointer, batch, channels, inner, 0)
      }
      return [dx] + (hasWeight ? [dw] : []) + (hasBias ? [db] : [])
    }
  }
}
