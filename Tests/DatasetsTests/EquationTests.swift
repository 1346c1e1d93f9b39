import Datasets
import Testing

@Suite("Equations")
struct EquationTests {
  /// Sizes small enough for a test, with what the equation is expected to hold.
  private static let cases: [(equation: any Equation.Type, axes: Int, fields: [String])] = [
    (AdvectionEquation.self, 1, AdvectionEquation.fields),
    (BurgersEquation.self, 1, BurgersEquation.fields),
    (DiffusionReactionEquation.self, 1, DiffusionReactionEquation.fields),
    (FitzHughNagumoEquation.self, 2, ["activator", "inhibitor"]),
    (ShallowWaterEquation.self, 2, ShallowWaterEquation.fields),
  ]

  @Test("give finite trajectories that depend on seed and number alone", arguments: 0..<5)
  func trajectories(index: Int) throws {
    let (equation, axes, fields) = Self.cases[index]
    #expect(equation.spaceAxes == axes)
    #expect(equation.fields.count == fields.count)
    func plan(_ count: Int, seed: UInt64) throws -> PDEPlan {
      try PDEPlan(
        equation: equation.name, trajectories: count, cells: 32, frames: 3, interval: 0.01,
        seed: seed)
    }
    let values = try plan(4, seed: 7).trajectory(2).values
    let cells = axes == 1 ? 32 : 32 * 32
    #expect(values.count == 3 * cells * fields.count)
    #expect(values.allSatisfy { $0.isFinite })
    #expect(try plan(9, seed: 7).trajectory(2).values == values)
    #expect(try plan(4, seed: 8).trajectory(2).values != values)
  }

  @Test("are all listed")
  func listed() {
    #expect(
      Set(equations.map { $0.name }) == Set(Self.cases.map { $0.equation.name }))
  }
}
