import Datasets
import Formats
import Foundation
import TestSupport
import Tensors
import Testing

@Suite("Windows")
struct WindowTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func options(files: String = "data.hdf5", normalization: FieldNormalization = .none)
    -> PDEDataOptions
  {
    var options = PDEDataOptions(
      format: PDEBenchFormat.self, root: folder.path, files: files,
      split: .trajectories(TrajectorySplit(.counts([3, 1, 2]), seed: 1)))
    options.normalization = normalization
    return options
  }

  private func floats(_ tensor: Tensor?) -> [Float] { tensor?.elements(as: Float.self) ?? [] }

  @Test("come trajectory by trajectory, with the frame that follows as target")
  func order() throws {
    try PDEFiles.tensor(at: folder.file("data.hdf5"), shape: [6, 6, 2])
    var options = options()
    options.inputFrames = 2
    options.windowStride = 3
    let windows = try #require(try PDEData(options).windows(.train))
    #expect(windows.count == 3 * 2)
    for (position, unit) in windows.units.enumerated() {
      for (number, start) in [0, 3].enumerated() {
        let index = 2 * position + number
        #expect(windows.identifier(index) == "data.hdf5#\(unit)@\(start)")
        let sample = try windows.sample(index, epoch: 0)
        #expect(sample["state"]?.shape == [2, 1, 1, 1, 1, 2])
        #expect(sample["target"]?.shape == [1, 1, 1, 1, 2])
        let base = Float(100 * unit + 10 * start)
        #expect(floats(sample["state"]) == [base, base + 1, base + 10, base + 11])
        #expect(floats(sample["target"]) == [base + 20, base + 21])
      }
    }
  }

  @Test(
    "are the same whether trajectories are kept in memory or not",
    arguments: FieldNormalization.allCases)
  func caching(normalization: FieldNormalization) throws {
    try PDEFiles.tensor(at: folder.file("data.hdf5")) { n, t, x in sin(Float(3 * n + 2 * t + x)) }
    var kept = options(normalization: normalization)
    kept.inputFrames = 2
    var read = kept
    kept.cache = .memory
    read.cache = .none
    let (a, b) = (try PDEData(kept).windows(.test), try PDEData(read).windows(.test))
    let (first, second) = (try #require(a), try #require(b))
    #expect(first.count == 6)
    for index in 0..<first.count {
      let (x, y) = (try first.sample(index, epoch: 0), try second.sample(index, epoch: 0))
      #expect(floats(x["state"]) == floats(y["state"]))
      #expect(floats(x["target"]) == floats(y["target"]))
    }
  }

  @Test("per-window uses the input frames alone")
  func perWindow() throws {
    try PDEFiles.tensor(at: folder.file("data.hdf5")) { _, t, x in Float(t * t) + Float(x % 2) }
    var options = options(normalization: .perWindow)
    options.inputFrames = 2
    let windows = try #require(try PDEData(options).windows(.val))
    // Input 0, 1 | 1, 2: mean 1, variance 1/2; target 4, 5.
    let deviation = (Float(0.5) + 1e-6).squareRoot()
    let sample = try windows.sample(0, epoch: 0)
    #expect(abs(floats(sample["state"])[0] - (0 - 1) / deviation) < 1e-6)
    #expect(abs(floats(sample["target"])[1] - (5 - 1) / deviation) < 1e-6)
  }

  @Test("zscore uses the training trajectories alone, or what is given")
  func zscore() throws {
    try PDEFiles.tensor(at: folder.file("data.hdf5"), shape: [6, 3, 2]) { n, t, x in
      Float(n * n) + Float(x)
    }
    let data = try PDEData(options(normalization: .zscore))
    let training = try #require(data.units[.train])
    let values = training.flatMap { [Double($0 * $0), Double($0 * $0 + 1)] }
    let mean = values.reduce(0, +) / 6
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6
    #expect(abs(data.scaling.means[0] - mean) < 1e-9)
    #expect(abs(data.scaling.deviations[0] - variance.squareRoot()) < 1e-9)
    #expect(data.statistics[0].minimum == values.min())
    #expect(data.statistics[0].maximum == values.max())

    var given = options(normalization: .zscore)
    given.statistics = .init(means: [1], stds: [2])
    let windows = try #require(try PDEData(given).windows(.test))
    let unit = Float(windows.units[0] * windows.units[0])
    #expect(floats(try windows.sample(0, epoch: 0)["state"]) == [(unit - 1) / 2, unit / 2])
  }

  @Test(
    "whole trajectories come with what gives physical values back",
    arguments: FieldNormalization.allCases)
  func trajectories(normalization: FieldNormalization) throws {
    try PDEFiles.tensor(at: folder.file("data.hdf5")) { n, t, x in cos(Float(n + 2 * t + 3 * x)) }
    let windows = try #require(try PDEData(options(normalization: normalization)).windows(.test))
    #expect(windows.unitIdentifiers == windows.units.map { "data.hdf5#\($0)" })
    for position in 0..<2 {
      let trajectory = try windows.trajectory(position)
      #expect(trajectory.values.shape == [5, 1, 1, 1, 1, 8])
      let back = floats(trajectory.scaling.denormalized(trajectory.values))
      let raw = floats(try windows.rawTrajectory(position))
      #expect(zip(back, raw).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  @Test("refuse more input frames than a trajectory can give")
  func tooManyFrames() throws {
    try PDEFiles.tensor(at: folder.file("data.hdf5"))
    for frames in [0, 5] {
      var options = options()
      options.inputFrames = frames
      let error = #expect(throws: DataError.self) { try PDEData(options) }
      #expect(error?.description.contains("data.n_steps_input") == true)
    }
  }

  @Test("refuse a constant field under zscore")
  func constantField() throws {
    try PDEFiles.tensor(at: folder.file("data.hdf5")) { _, _, _ in 3 }
    #expect(throws: DataError.constantField(field: "u", value: 3)) {
      try PDEData(options(normalization: .zscore))
    }
  }

  @Test("parts may be files of their own; a file in two parts is refused")
  func fileSplit() throws {
    for (name, count) in [("train/a_2.h5", 3), ("train/a_10.h5", 2), ("test/b.h5", 4)] {
      let path = folder.file(name)
      try FileManager.default.createDirectory(
        at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
      try PDEFiles.tensor(at: path, shape: [count, 5, 8])
    }
    var options = options()
    options.files = nil
    options.split = .files(
      FileSplit(train: "train", validation: .shareOfTrain(0.4), test: "test/*.h5"))
    let data = try PDEData(options)
    #expect(data.set.files.map(\.label) == ["train/a_2.h5", "train/a_10.h5", "test/b.h5"])
    #expect(data.units[.train]?.count == 3)
    #expect(data.units[.val]?.count == 2)
    #expect(data.windows(.test)?.unitIdentifiers == (0..<4).map { "test/b.h5#\($0)" })

    options.split = .files(FileSplit(train: "train", test: "*/a_2.h5"))
    let error = #expect(throws: DataError.self) { try PDEData(options) }
    #expect(error?.description.contains("a_2.h5 lies in both train and test") == true)
  }
}

@Suite("Windows of the reference", .enabled(if: Shared.isPresent, "../shared is absent"))
struct ReferenceWindowTests {
  @Test(
    "agree with the stored windows",
    arguments: [("c04_ar1_pairs", 1), ("c20_ar3_windows_corrected", 3)])
  func agree(name: String, inputFrames: Int) throws {
    let fixture = try FixtureTensors("fixtures/morph/\(name).safetensors")
    let raw = try fixture["input.data_NTDHWCF"]
    let (inputs, targets) = (try fixture["output.inputs"], try fixture["output.targets"])
    // One group per trajectory, [T, H, W, C·F]: component c of field f is channel c·F + f.
    let (count, components, fields) = (raw.shape[0], raw.shape[5], raw.shape[6])
    let folder = try TemporaryFolder()
    let writer = try HDF5Writer(path: folder.file("data.h5"))
    let size = raw.values.count / count
    for trajectory in 0..<count {
      try writer.writeDataset(
        "000\(trajectory)/data",
        shape: [raw.shape[1], raw.shape[3], raw.shape[4], components * fields],
        values: Array(raw.values[trajectory * size..<(trajectory + 1) * size]))
    }
    try writer.finish()
    func channel(_ number: Int) -> String {
      components * fields == 2 ? ["activator", "inhibitor"][number] : "channel\(number)"
    }
    var options = PDEDataOptions(
      format: PDEBenchFormat.self, root: folder.path,
      split: .files(FileSplit(train: "data.h5")))
    options.normalization = .none
    options.inputFrames = inputFrames
    options.fields = (0..<fields).map { field in
      FieldRequest(
        "field\(field)", components: (0..<components).map { channel($0 * fields + field) })
    }
    let windows = try #require(try PDEData(options).windows(.train))
    #expect(windows.count == inputs.shape[0])
    let batch = Loader(
      [.init(name: "all", samples: windows)], batchSize: windows.count, seed: 0,
      order: .sequential)
    let tensors = try batch.load(batch.plan(0))
    #expect(tensors["state"]?.shape == inputs.shape)
    #expect(tensors["state"]?.elements(as: Float.self) == inputs.values)
    #expect(tensors["target"]?.shape == targets.shape)
    #expect(tensors["target"]?.elements(as: Float.self) == targets.values)
    Parity.passed("morph/\(name)")
  }
}
