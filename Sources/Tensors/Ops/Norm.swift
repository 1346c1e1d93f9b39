extension Tensor {
  /// √Σx² over all elements, a scalar, added up in double precision; its gradient at zero is zero.
  package func norm() -> Tensor {
    let (x, value) = (detached(), sumOfSquares().squareRoot())
    return Tensor(filledWith: value, shape: [], dtype: dtype).recorded(from: [self]) { gradient in
      [x.scaled(by: value > 0 ? gradient.scalar / value : 0)]
    }
  }
}
