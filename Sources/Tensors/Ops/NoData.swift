extension Tensor {
  /// 1 where the value is not 0, else 0; not recorded.
  package func nonzero() -> Tensor { mapped({ $0 == 0 ? 0 : 1 }, { $0 == 0 ? 0 : 1 }) }

  /// 1 / (x + summand), not recorded: for counts, which no gradient flows to.
  package func reciprocal(adding summand: Double) -> Tensor {
    let single = Float(summand)
    return mapped({ 1 / ($0 + single) }, { 1 / ($0 + summand) })
  }

  private func mapped(
    _ single: (Float) -> Float, _ double: (Double) -> Double
  ) -> Tensor {
    precondition(dtype.isFloatingPoint, "elements of \(dtype) are no numbers to compute with")
    let result = Tensor(uninitialized: shape, dtype: dtype)
    func fill<Element: TensorElement>(_ function: (Element) -> Element) {
      withElements(of: Element.self) { source in
        result.withMutableElements(of: Element.self) { target in
          for index in source.indices { target[index] = function(source[index]) }
        }
      }
    }
    if dtype == .f32 { fill(single) } else { fill(double) }
    return result
  }
}
