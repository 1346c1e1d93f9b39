import Datasets
import Formats
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("PDE data of a run")
struct PDEDataTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func data(dt: Double = 0.05, scale: Float = 1) throws -> PDEData {
    try PDEFiles.tensor(at: folder.file("u.hdf5"), shape: [10, 6, 8], dt: dt) { n, t, x in
      scale * sin(Float(n) + 0.5 * Float(t) + 0.1 * Float(x))
    }
    var options = PDEDataOptions(
      format: PDEBenchFormat.self, root: folder.path,
      split: .trajectories(TrajectorySplit(.fractions([0.8, 0.1, 0.1]))))
    options.inputFrames = 2
    return try PDEData(options)
  }

  @Test("describes itself in the run record")
  func record() throws {
    let data = try data()
    let file = RunRecord.Data.File(path: "u.hdf5", bytes: 1, digest: "d")
    let record = data.record(files: [file], testDigest: "t")
    #expect(record.format == "pdebench")
    #expect(record.splits["train"] == .init(units: 8, unitName: "trajectories", samples: 32))
    #expect(record.splits["test"]?.units == 1)
    let input = try #require(record.inputs.first)
    #expect(input.bands == ["u"])
    #expect(input.shape == "T 6, W 8")
    #expect(input.resolution == "dt 0.05, dx 0.125")
    #expect(input.normalization == "zscore")
    #expect(input.means == data.scaling.means)
    #expect(record.splitMethod.contains("attune, seed 42"))
    #expect(record.testDigest == "t")
  }

  @Test("a contract accepts its own data and names each difference")
  func contract() throws {
    let contract = try data().stateContract
    #expect(contract.fields == ["u"])
    #expect(contract.quantiles[0].count == 9)
    #expect(contract.quantiles[0] == contract.quantiles[0].sorted())
    #expect(contract.mismatches(with: contract).isEmpty)
    #expect(contract.mismatches(with: try data(dt: 0.1).stateContract).map(\.name) == ["dt"])
    var other = contract
    other.fields = ["h"]
    #expect(contract.mismatches(with: other).map(\.name) == ["fields"])
    other = contract
    other.quantiles[0] = contract.quantiles[0].map { $0 + 10 }
    #expect(contract.mismatches(with: other).map(\.name) == ["values.u"])
    let copy = try JSONDecoder().decode(
      StateContract.self, from: JSONEncoder().encode(contract))
    #expect(copy == contract)
  }

  @Test("made data go from file to batch")
  func madeData() throws {
    let plan = try PDEPlan(equation: "diffusion-reaction", trajectories: 12, cells: 32, frames: 5)
    try makePDE(plan, at: folder.file("react.hdf5"))
    var options = PDEDataOptions(
      format: PDEBenchFormat.self, root: folder.path, files: "react.hdf5",
      split: .trajectories(TrajectorySplit(.counts([8, 2, 2]))))
    options.inputFrames = 2
    let windows = try #require(try PDEData(options).windows(.train))
    let loader = Loader([.init(name: "a", samples: windows)], batchSize: 5, seed: 1)
    let batch = try loader.load(loader.plan(0))
    #expect(batch["state"]?.shape == [5, 2, 1, 1, 1, 1, 32])
    #expect(batch["target"]?.shape == [5, 1, 1, 1, 1, 32])
  }
}

@Suite("data check and data stats")
struct PDECheckTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("u.hdf5") }

  init() throws { folder = try TemporaryFolder() }

  @Test("finds the format and says what a file holds")
  func holds() throws {
    try PDEFiles.tensor(at: path)
    let (check, problems) = try PDECheck.of(path)
    #expect(check.format == "pdebench")
    #expect([check.trajectories, check.frames] + check.space == [6, 5, 8])
    #expect(check.fields.map(\.components) == [["u"]])
    #expect(check.parameters == ["Nu": 0.01])
    #expect(problems.isEmpty)
  }

  @Test("lists what is wrong")
  func problems() throws {
    try PDEFiles.tensor(at: path) { n, t, x in
      n == 1 && t == 3 ? .nan : Float(n == 4 ? 2 : n) + Float(t * x)
    }
    let problems = try PDECheck.of(path).problems
    #expect(problems.count == 2)
    #expect(problems[0].message.contains("#1, frame 3, field 'u'"))
    #expect(problems[0].kind == .notFinite && problems[0].severity == .error)
    #expect(problems[1].kind == .duplicate && problems[1].id.hasSuffix("#4"))

    try PDEFiles.datasets(at: folder.file("plain.hdf5"), [("tensor", [2, 1, 4])])
    let plain = try PDECheck.of(folder.file("plain.hdf5")).problems
    #expect(plain.contains { $0.message.contains("one frame only") })
    #expect(plain.contains { $0.message.contains("space axis 1") })
  }

  @Test("a file that is cut off does not end the check")
  func cut() throws {
    try PDEFiles.tensor(at: path)
    let other = folder.file("v.hdf5")
    try Data(contentsOf: URL(filePath: path)).prefix(700).write(to: URL(filePath: other))
    let pattern = path.replacing("u.hdf5", with: "*.hdf5")
    let check = try DataCheck.of(pattern, format: "pdebench")
    #expect(check.contents.count == 1)
    #expect(check.problems.map(\.kind) == [.unreadable])
  }

  @Test("refuses what no format knows")
  func unknown() throws {
    try PDEFiles.datasets(at: path, [("other", [2, 2])])
    #expect(throws: DataError.self) { try PDECheck.of(path) }
  }

  @Test("gives statistics per field over several files")
  func statistics() throws {
    try PDEFiles.tensor(at: path, shape: [2, 2, 4]) { n, t, x in Float(8 * n + 4 * t + x) }
    let statistics = try pdeStatistics(of: [path, path], format: PDEBenchFormat.self)
    #expect(statistics.count == 1)
    #expect(statistics[0].count == 32)
    #expect(statistics[0].mean == 7.5)
    #expect(statistics[0].minimum == 0)
    #expect(statistics[0].maximum == 15)
    #expect(abs(statistics[0].standardDeviation - (255.0 / 12).squareRoot()) < 1e-12)
    #expect(statistics[0].quantiles[4] == 7.5)
  }
}
