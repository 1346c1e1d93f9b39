import Datasets
import Formats
import Foundation
import Recipes
import TestSupport
import Tensors
import Testing

@Suite("Trajectory files")
struct TrajectoryFileTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("data.hdf5") }

  init() throws { folder = try TemporaryFolder() }

  @Test("reads any stretch of frames of any trajectory")
  func stretch() throws {
    try PDEFiles.tensor(at: path)
    let file = try PDEFiles.open(path)
    let frames = try file.read(4, frames: 1..<3)
    #expect(frames.shape == [2, 1, 1, 1, 1, 8])
    let expected = [410, 420].flatMap { start in (0..<8).map { Float(start + $0) } }
    #expect(frames.elements(as: Float.self) == expected)
    #expect(file.identifier(4) == "file#4")
  }

  @Test("says spacing, time step and parameters")
  func metadata() throws {
    try PDEFiles.tensor(at: path)
    let file = try PDEFiles.open(path)
    #expect(file.fields == [FieldRequest("u", components: ["u"])])
    #expect(abs((file.interval ?? 0) - 0.05) < 1e-7)
    #expect(file.spacing[0] == nil && file.spacing[1] == nil)
    #expect(abs((file.spacing[2] ?? 0) - 0.125) < 1e-7)
    #expect(file.stored.parameters == ["Nu": 0.01])
  }

  @Test("thins space and time, and their steps")
  func thinning() throws {
    try PDEFiles.tensor(at: path)
    let file = try PDEFiles.open(path, thinning: Thinning(space: 3, time: 2))
    #expect(file.frameCount == 3)
    #expect(file.frameShape == [1, 1, 1, 1, 3])
    #expect(abs((file.interval ?? 0) - 0.1) < 1e-7)
    #expect(abs((file.spacing[2] ?? 0) - 0.375) < 1e-7)
    #expect(
      try file.read(2, frames: 1..<3).elements(as: Float.self)
        == [220, 223, 226, 240, 243, 246])
  }

  @Test("thins two space axes with a channel axis behind them")
  func thinningGrouped() throws {
    try PDEFiles.datasets(at: path, [("0000/data", [3, 4, 5, 2]), ("0001/data", [3, 4, 5, 2])])
    let file = try PDEFiles.open(path, thinning: Thinning(space: 2, time: 2))
    #expect(file.frameShape == [2, 1, 1, 2, 3])
    var expected: [Float] = []
    for t in [0, 2] {
      for field in 0..<2 {
        for h in [0, 2] {
          for w in [0, 2, 4] { expected.append(Float(((t * 4 + h) * 5 + w) * 2 + field)) }
        }
      }
    }
    #expect(try file.read(1, frames: 0..<2).elements(as: Float.self) == expected)
    #expect(file.identifier(1) == "file#0001")
  }

  @Test("makes vectors of any channels, in any order, and repeats scalars beside them")
  func selection() throws {
    try PDEFiles.datasets(at: path, [("Vx", [1, 1, 2]), ("density", [1, 1, 2])])
    let file = try PDEFiles.open(
      path, selecting: [FieldRequest("density"), FieldRequest("w", components: ["density", "Vx"])])
    #expect(file.frameShape == [2, 2, 1, 1, 2])
    // density twice, then (density, Vx); both count 0, 1.
    #expect(
      try file.read(0, frames: 0..<1).elements(as: Float.self) == [0, 1, 0, 1, 0, 1, 0, 1])
  }

  @Test("repeats what does not vary in time")
  func constantInTime() throws {
    try PDEFiles.datasets(
      at: path,
      [("velocity", [2, 3, 2, 2, 2]), ("force", [2, 2, 2, 2]), ("particles", [2, 3, 4])])
    let file = try PDEFiles.open(
      path, selecting: [FieldRequest("force_y"), FieldRequest("velocity_x")])
    let values = try file.read(1, frames: 0..<3).elements(as: Float.self)
    #expect(Array(values[0..<4]) == [9, 11, 13, 15])
    #expect(Array(values[8..<12]) == [9, 11, 13, 15])
    #expect(Array(values[12..<16]) == [32, 34, 36, 38])
  }

  @Test("The Well's fields drop axes along which they do not vary")
  func theWell() throws {
    let writer = try HDF5Writer(path: path)
    let shapes = [
      ("t0_fields/density", [2, 3, 4]), ("t0_fields/mask", [4]),
      ("t1_fields/velocity", [2, 3, 4, 1]), ("scalars/Re", [2]),
    ]
    for (name, shape) in shapes {
      let count = shape.reduce(1, *)
      try writer.writeDataset(name, shape: shape, values: (0..<count).map { Float($0) })
    }
    try writer.writeDataset("dimensions/x", shape: [4], values: [0, 0.5, 1, 1.5])
    try writer.writeDataset("dimensions/time", shape: [3], values: [0, 2, 4])
    try writer.setAttribute("time_varying", of: "t0_fields/mask", to: .numbers([0]))
    try writer.setAttribute("sample_varying", of: "t0_fields/mask", to: .numbers([0]))
    try writer.finish()
    let standard = try PDEFiles.open(path, TheWellFormat.self)
    #expect(standard.fields.map(\.name) == ["velocity", "density"])
    #expect(standard.spacing[2] == 0.5)
    #expect(standard.interval == 2)
    #expect(standard.stored.varyingParameters == ["scalars/Re"])
    #expect(try standard.values(of: "scalars/Re") == [0, 1])
    let file = try PDEFiles.open(
      path, TheWellFormat.self, selecting: [FieldRequest("mask"), FieldRequest("density")])
    let values = try file.read(1, frames: 1..<3).elements(as: Float.self)
    #expect(values == [0, 1, 2, 3, 16, 17, 18, 19, 0, 1, 2, 3, 20, 21, 22, 23])
  }

  @Test(
    "names trajectory, frame and field of a value that is not finite",
    arguments: [Float.nan, .infinity])
  func notFinite(value: Float) throws {
    try PDEFiles.tensor(at: path) { n, t, x in n == 3 && t == 2 && x == 5 ? value : 1 }
    let file = try PDEFiles.open(path)
    #expect(throws: DataError.notFinite(path: path, trajectory: "file#3", frame: 2, field: "u")) {
      try file.read(3, frames: 1..<4)
    }
    _ = try file.read(2, frames: 0..<5)
  }

  @Test("refuses layouts that are none, listing what is there")
  func unknownLayout() throws {
    try PDEFiles.datasets(at: path, [("temperature", [2, 3, 4])])
    for format in trajectoryFormats.entries {
      let error = #expect(throws: DataError.self) { try PDEFiles.open(path, format) }
      #expect(error?.description.contains("temperature") == true)
    }
  }

  @Test("refuses a tensor of wrong rank")
  func wrongRank() throws {
    try PDEFiles.datasets(at: path, [("tensor", [4, 5])])
    #expect(
      throws: DataError.wrongRank(path: path, dataset: "tensor", expected: 3, found: [4, 5])
    ) { try PDEFiles.open(path) }
  }

  @Test("refuses fields of different shapes")
  func shapesDiffer() throws {
    try PDEFiles.datasets(at: path, [("density", [2, 3, 8]), ("pressure", [2, 3, 9])])
    #expect(
      throws: DataError.shapesDiffer(
        path: path, first: "density", firstShape: [2, 3, 8], second: "pressure",
        secondShape: [2, 3, 9])
    ) { try PDEFiles.open(path) }
  }

  @Test("refuses a file without trajectories")
  func empty() throws {
    try PDEFiles.datasets(at: path, [("tensor", [0, 3, 8])])
    #expect(throws: DataError.empty(path: path, trajectories: 0, frames: 3, space: [8])) {
      try PDEFiles.open(path)
    }
  }

  @Test("refuses a field that is not there, listing those that are")
  func fieldMissing() throws {
    try PDEFiles.datasets(at: path, [("Vx", [1, 1, 2]), ("density", [1, 1, 2])])
    #expect(
      throws: DataError.fieldMissing(field: "Vy", path: path, available: ["Vx", "density"])
    ) { try PDEFiles.open(path, selecting: [FieldRequest("Vy")]) }
  }

  @Test("refuses vectors of different lengths side by side")
  func componentsDiffer() throws {
    try PDEFiles.datasets(at: path, [("Vx", [1, 1, 2]), ("density", [1, 1, 2])])
    #expect(throws: DataError.self) {
      try PDEFiles.open(
        path,
        selecting: [
          FieldRequest("a", components: ["Vx", "density"]),
          FieldRequest("b", components: ["Vx", "density", "Vx"]),
        ])
    }
  }

  @Test("joins only files of equal fields, grid, length and time step")
  func filesDiffer() throws {
    let other = folder.file("other.hdf5")
    try PDEFiles.tensor(at: path)
    for (shape, dt) in [([2, 5, 9], 0.05), ([2, 6, 8], 0.05), ([2, 5, 8], 0.1)] {
      try PDEFiles.tensor(at: other, shape: shape, dt: dt)
      let error = #expect(throws: DataError.self) {
        try TrajectorySet([PDEFiles.open(path), PDEFiles.open(other)])
      }
      #expect(error?.description.contains(other) == true)
    }
    try PDEFiles.tensor(at: other, shape: [3, 5, 8])
    let set = try TrajectorySet([PDEFiles.open(path), PDEFiles.open(other)], reducedBatch: 4)
    // Trajectories 0, 4 of the first and 2 of the second file.
    #expect(set.count == 3)
    #expect(try set.read(2, frames: 0..<1).elements(as: Float.self).first == 200)
  }
}

@Suite("Files of ../shared", .enabled(if: Shared.isPresent, "../shared is absent"))
struct SharedFileTests {
  struct Expectation: Sendable, CustomTestStringConvertible {
    let name: String
    let trajectories: Int
    let frames: Int
    let frameShape: [Int]
    let dt: Double?
    let dx: Double
    var testDescription: String { name }
  }

  @Test(
    "opens every PDEBench layout",
    arguments: [
      Expectation(
        name: "1D_Advection_Sols_beta0.4.hdf5", trajectories: 16, frames: 41,
        frameShape: [1, 1, 1, 1, 256], dt: 0.05, dx: 1.0 / 256),
      Expectation(
        name: "1D_CFD_Rand_Eta0.01_Zeta0.01_periodic_Train.hdf5", trajectories: 16, frames: 21,
        frameShape: [3, 1, 1, 1, 256], dt: 0.05, dx: 2.0 / 256),
      Expectation(
        name: "2D_diff-react_NA_NA.h5", trajectories: 6, frames: 21,
        frameShape: [2, 1, 1, 64, 64], dt: 0.25, dx: 2.0 / 64),
      Expectation(
        name: "2D_rdb_NA_NA.h5", trajectories: 8, frames: 21, frameShape: [1, 1, 1, 64, 64],
        dt: 0.05, dx: 5.0 / 64),
      Expectation(
        name: "2D_DarcyFlow_beta1.0_Train.hdf5", trajectories: 24, frames: 1,
        frameShape: [1, 1, 1, 64, 64], dt: nil, dx: 1.0 / 64),
    ])
  func opens(_ expected: Expectation) throws {
    let file = try PDEFiles.open(Shared.path("data/pde/\(expected.name)"))
    #expect(file.trajectoryCount == expected.trajectories)
    #expect(file.frameCount == expected.frames)
    #expect(file.frameShape == expected.frameShape)
    #expect((file.interval == nil) == (expected.dt == nil))
    #expect(abs((file.interval ?? 0) - (expected.dt ?? 0)) < 1e-6)
    #expect(abs((file.spacing[2] ?? 0) - expected.dx) < 1e-6)
    _ = try file.read(file.trajectoryCount - 1, frames: 0..<file.frameCount)
  }

  @Test("LZF and gzip copies of the same trajectories agree")
  func compressions() throws {
    let lzf = try PDEFiles.open(Shared.path("data/pde/2D_diff-react_NA_NA.h5"))
    let gzip = try PDEFiles.open(Shared.path("data/pde/2D_diff-react_NA_NA_gzip.h5"))
    for trajectory in 0..<2 {
      let frames = 3..<6
      #expect(
        try lzf.read(trajectory, frames: frames).elements(as: Float.self)
          == gzip.read(trajectory, frames: frames).elements(as: Float.self))
    }
  }

  @Test("the coefficient of a steady problem can be selected")
  func coefficient() throws {
    let file = try PDEFiles.open(
      Shared.path("data/pde/2D_DarcyFlow_beta1.0_Train.hdf5"),
      selecting: [FieldRequest("nu"), FieldRequest("u")])
    let values = try file.read(5, frames: 0..<1).elements(as: Float.self)
    #expect(Set(values[..<4096]) == [0.1, 1])
  }
}
