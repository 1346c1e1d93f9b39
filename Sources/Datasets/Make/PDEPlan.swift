import Foundation
import Tensors

/// What `data make pde` computes.
package struct PDEPlan: Sendable {
  package let equation: any Equation.Type
  package let trajectories: Int
  package let grid: Discretization
  /// A choice for each parameter of the equation.
  package let parameters: [String: ParameterChoice]
  package let seed: UInt64

  /// Fills in what is not given from the equation, and checks the rest.
  ///
  /// - Throws: `DataError.planInvalid`.
  package init(
    equation name: String, trajectories: Int, cells: Int? = nil, frames: Int? = nil,
    interval: Double? = nil, parameters: [String: ParameterChoice] = [:], seed: UInt64 = 0
  ) throws(DataError) {
    guard let equation = equations.first(where: { $0.name == name }) else {
      throw .planInvalid(
        key: "equation", found: name, expected: "one of \(equations.map { $0.name })")
    }
    let known = equation.parameters.map(\.name)
    if let unknown = parameters.keys.sorted().first(where: { !known.contains($0) }) {
      throw .planInvalid(key: "parameter", found: unknown, expected: "one of \(known)")
    }
    let grid = Discretization(
      cells: cells ?? equation.discretization.cells,
      frames: frames ?? equation.discretization.frames,
      interval: interval ?? equation.discretization.interval)
    for (key, value) in [("trajectories", trajectories), ("grid", grid.cells)] where value < 1 {
      throw .planInvalid(key: key, found: "\(value)", expected: "at least 1")
    }
    guard grid.frames >= 2 else {
      throw .planInvalid(key: "frames", found: "\(grid.frames)", expected: "at least 2")
    }
    guard grid.interval > 0, grid.interval.isFinite else {
      throw .planInvalid(key: "dt", found: "\(grid.interval)", expected: "a time above 0")
    }
    for parameter in equation.parameters {
      if case .drawn(let range) = parameters[parameter.name], parameter.isLogarithmic,
        range.lowerBound <= 0
      {
        throw .planInvalid(
          key: parameter.name, found: "[\(range.lowerBound), \(range.upperBound)]",
          expected: "two numbers above 0, since it is drawn in the logarithm")
      }
    }
    self.equation = equation
    self.trajectories = trajectories
    self.grid = grid
    self.parameters = Dictionary(
      uniqueKeysWithValues: equation.parameters.map {
        ($0.name, parameters[$0.name] ?? $0.standard)
      })
    self.seed = seed
  }

  /// Values and parameters of one trajectory, a function of (seed, equation, number) alone.
  package func trajectory(
    _ number: Int
  ) throws(DataError) -> (values: [Float], parameters: [String: Double]) {
    let stream = stableHash(equation.name)
    var random = Philox(seed: seed, purpose: .data, step: Int(stream & 0x7fff_ffff), index: number)
    var drawn: [String: Double] = [:]
    for parameter in equation.parameters {
      // Drawn even where it is fixed, so that initial data do not depend on the choice.
      let place = random.uniform()
      drawn[parameter.name] =
        switch parameters[parameter.name] ?? parameter.standard {
        case .fixed(let value): value
        case .drawn(let range): parameter.value(at: place, of: range)
        }
    }
    let values = try equation.trajectory(drawing: &random, parameters: drawn, on: grid)
    return (values, drawn)
  }
}

extension EquationParameter {
  /// The point of `range` at `place` in [0, 1), linear or logarithmic.
  fileprivate func value(at place: Double, of range: ClosedRange<Double>) -> Double {
    let (low, high) = (range.lowerBound, range.upperBound)
    return isLogarithmic ? low * pow(high / low, place) : low + (high - low) * place
  }
}

/// FNV-1a of 32 bits: the same on every machine, unlike `Hasher`.
private func stableHash(_ text: String) -> UInt32 {
  text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
}
