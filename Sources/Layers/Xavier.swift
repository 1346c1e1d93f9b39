extension Initialization {
  /// Xavier uniform: ±√(6 / (inputs + outputs)) (Glorot and Bengio 2010, equation 16).
  package static func xavier(inputs: Int, outputs: Int) -> Initialization {
    .uniform(bound: (6 / Double(inputs + outputs)).squareRoot())
  }
}
