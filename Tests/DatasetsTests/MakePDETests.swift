import Datasets
import Formats
import Foundation
import TestSupport
import Testing

@Suite("data make pde")
struct MakePDETests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("writes one space axis as PDEBench's tensor with its coordinates")
  func tensorLayout() throws {
    let plan = try PDEPlan(
      equation: "diffusion-reaction", trajectories: 3, cells: 32, frames: 5, interval: 0.1,
      parameters: ["rho": .drawn(0.5...5)], seed: 7)
    let path = folder.file("ReacDiff.hdf5")
    var done: [Int] = []
    try makePDE(plan, at: path) { done.append($0) }
    #expect(done == [1, 2, 3])

    let file = try HDF5File(reading: path)
    let tensor = try file.dataset("tensor")
    #expect(tensor.shape == [3, 5, 32])
    #expect(tensor.layout.elementType == .float(bytes: 4))
    #expect(
      try file.dataset("x-coordinate").readFloats()
        == (0..<32).map { Float((Double($0) + 0.5) / 32) })
    #expect(
      try file.dataset("t-coordinate").readFloats() == (0..<6).map { Float(Double($0) * 0.1) })
    #expect(try file.attribute("Nu")?.number == 0.02)
    let growth = try file.dataset("rho").readDoubles()
    #expect(growth.count == 3)
    #expect(growth.allSatisfy { (0.5...5).contains($0) })
    for number in 0..<3 {
      let expected = try plan.trajectory(number)
      #expect(
        try tensor.readFloats(start: [number, 0, 0], count: [1, 5, 32]) == expected.values)
      #expect(growth[number] == expected.parameters["rho"])
    }
    #expect(try folder.names == ["ReacDiff.hdf5"])
  }

  @Test(
    "writes two space axes as groups", arguments: [("shallow-water", 1), ("fitzhugh-nagumo", 2)])
  func groupLayout(equation: String, fields: Int) throws {
    let plan = try PDEPlan(
      equation: equation, trajectories: 2, cells: 16, frames: 3, interval: 0.05, seed: 1)
    let path = folder.file("groups.h5")
    try makePDE(plan, at: path)
    let file = try HDF5File(reading: path)
    #expect(try file.children(of: "") == ["0000", "0001"])
    #expect(try file.dataset("0001/data").shape == [3, 16, 16, fields])
    #expect(try file.dataset("0001/grid/t").readFloats() == [0, 0.05, 0.1])
    #expect(try file.dataset("0001/data").readFloats() == plan.trajectory(1).values)
    let configuration = try #require(try file.attribute("config", of: "0001")?.text)
    #expect(configuration.contains("seed: 1\n"))
  }

  @Test(
    "a trajectory depends on seed, equation and number alone", arguments: equations.map { $0.name })
  func determinism(equation: String) throws {
    func trajectory(_ number: Int, of count: Int, seed: UInt64) throws -> [Float] {
      try PDEPlan(
        equation: equation, trajectories: count, cells: 32, frames: 2, interval: 0.05, seed: seed
      ).trajectory(number).values
    }
    #expect(try trajectory(2, of: 3, seed: 5) == trajectory(2, of: 100, seed: 5))
    #expect(try trajectory(2, of: 3, seed: 5) != trajectory(1, of: 3, seed: 5))
    #expect(try trajectory(2, of: 3, seed: 5) != trajectory(2, of: 3, seed: 6))
  }

  @Test("fixing a parameter leaves the initial data as they were")
  func fixedParameter() throws {
    let drawn = try PDEPlan(equation: "advection", trajectories: 1, cells: 32)
    let fixed = try PDEPlan(
      equation: "advection", trajectories: 1, cells: 32, parameters: ["beta": .fixed(0.4)])
    let (a, b) = (try drawn.trajectory(0), try fixed.trajectory(0))
    #expect(a.values.prefix(32) == b.values.prefix(32))
    #expect(b.parameters["beta"] == 0.4)
    #expect(a.values != b.values)
  }

  @Test("the first-run data need no viscosity that round-off spoils", arguments: [0, 1, 2])
  func burgersDefaults(seed: UInt64) throws {
    let plan = try PDEPlan(equation: "burgers", trajectories: 272, seed: seed)
    for number in 0..<272 {
      let (values, parameters) = try plan.trajectory(number)
      let viscosity = try #require(parameters["Nu"])
      #expect((0.03...0.3).contains(viscosity))
      #expect(values.allSatisfy { abs($0) <= 2 })
    }
  }

  @Test("initial data of diffusion-reaction span 0.05 to 0.95")
  func rescaledProfile() throws {
    let plan = try PDEPlan(equation: "diffusion-reaction", trajectories: 20, cells: 64, frames: 2)
    for number in 0..<20 {
      let initial = try plan.trajectory(number).values.prefix(64)
      #expect(abs((initial.min() ?? 0) - 0.05) < 1e-6)
      #expect(abs((initial.max() ?? 0) - 0.95) < 1e-6)
    }
  }

  @Test("leaves no file behind where a trajectory cannot be solved")
  func nothingHalfWritten() throws {
    let plan = try PDEPlan(
      equation: "burgers", trajectories: 2, cells: 32, parameters: ["Nu": .fixed(1e-3)])
    #expect(throws: DataError.self) { try makePDE(plan, at: folder.file("burgers.hdf5")) }
    #expect(try folder.names.isEmpty)
  }

  @Test("refuses what an equation does not know")
  func refusals() {
    #expect(throws: DataError.self) { try PDEPlan(equation: "heat", trajectories: 1) }
    #expect(throws: DataError.self) { try PDEPlan(equation: "burgers", trajectories: 0) }
    #expect(throws: DataError.self) {
      try PDEPlan(equation: "burgers", trajectories: 1, parameters: ["beta": .fixed(1)])
    }
    #expect(throws: DataError.self) {
      try PDEPlan(equation: "burgers", trajectories: 1, parameters: ["Nu": .drawn(0...1)])
    }
  }
}
