package import Tensors

/// An equation of which `data make pde` computes trajectories.
///
/// A new one is one file under `Equations/` and one line in `Equations.swift`.
package protocol Equation: Sendable {
  /// As the command line writes it.
  static var name: String { get }
  /// The equation, its domain and its initial data, in one sentence.
  static var summary: String { get }
  /// What varies between trajectories or files, in the order in which values are drawn.
  static var parameters: [EquationParameter] { get }
  /// Where a plan does not say otherwise.
  static var discretization: Discretization { get }
  /// Ends of each space axis.
  static var domain: ClosedRange<Double> { get }
  /// Names of the stored fields.
  static var fields: [String] { get }
  /// One or two.
  static var spaceAxes: Int { get }

  /// One trajectory, its initial data drawn from `random`: `[frames, x]` for one space axis,
  /// `[frames, y, x, field]` for two.
  static func trajectory(
    drawing random: inout Philox, parameters: [String: Double], on grid: Discretization
  ) throws(DataError) -> [Float]
}

/// An equation for one field `u` on [0, 1), periodic, in the first run's discretization.
package protocol PeriodicEquation: Equation {}

extension PeriodicEquation {
  package static var discretization: Discretization {
    Discretization(cells: 128, frames: 21, interval: 0.05)
  }
  package static var domain: ClosedRange<Double> { 0...1 }
  package static var fields: [String] { ["u"] }
  package static var spaceAxes: Int { 1 }
}

/// A coefficient of an equation.
package struct EquationParameter: Sendable, Equatable {
  /// As PDEBench names the attribute.
  package let name: String
  /// Value or interval where a plan gives none.
  package let standard: ParameterChoice
  /// Whether intervals are drawn uniformly in the logarithm.
  package let isLogarithmic: Bool
  /// What it is, in words.
  package let sentence: String

  package init(
    _ name: String, standard: ParameterChoice, isLogarithmic: Bool = false, _ sentence: String
  ) {
    self.name = name
    self.standard = standard
    self.isLogarithmic = isLogarithmic
    self.sentence = sentence
  }
}

/// How a parameter gets its value.
package enum ParameterChoice: Sendable, Equatable {
  /// The same for all trajectories: stored as a file attribute.
  case fixed(Double)
  /// Drawn for each trajectory: stored as a dataset of its own.
  case drawn(ClosedRange<Double>)
}

/// Cells per axis and times of the stored frames.
package struct Discretization: Sendable, Equatable {
  /// Cells of each space axis.
  package var cells: Int
  /// Stored times, the first at 0.
  package var frames: Int
  /// Time between two frames.
  package var interval: Double

  package init(cells: Int, frames: Int, interval: Double) {
    self.cells = cells
    self.frames = frames
    self.interval = interval
  }
}

/// All equations, in the order of listings.
package let equations: [any Equation.Type] = [
  AdvectionEquation.self,
  BurgersEquation.self,
  DiffusionReactionEquation.self,
  FitzHughNagumoEquation.self,
  ShallowWaterEquation.self,
]
