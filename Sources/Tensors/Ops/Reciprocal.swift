extension Tensor {
  /// 1 / x, element by element.
  package func reciprocal() -> Tensor {
    let y = detached()
    let result: Tensor
    switch dtype {
    case .f64: result = y.mapped(of: Double.self) { 1 / $0 }
    default: result = y.mapped(of: Float.self) { 1 / $0 }
    }
    return result.recorded(from: [self]) { gradient in
      [(gradient * result.detached() * result.detached()).scaled(by: -1)]
    }
  }

  private func mapped<Value: TensorElement>(
    of _: Value.Type, _ change: (Value) -> Value
  ) -> Tensor {
    Tensor(elements(as: Value.self).map(change), shape: shape)
  }
}
