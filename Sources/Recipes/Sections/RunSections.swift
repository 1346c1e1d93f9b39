/// `eval`: what is measured after training.
package struct EvalSection: Sendable {
  package enum Checkpoint: String, CaseIterable, Sendable { case best, last }
  package enum ColorSpace: String, CaseIterable, Sendable { case rgb, y }

  package struct Tiles: Sendable, Hashable {
    /// Pixels.
    package let crop: Int
    package let stride: Int
    package let batch: Int

    package init(crop: Int, stride: Int, batch: Int) {
      self.crop = crop
      self.stride = stride
      self.batch = batch
    }
  }

  package let split: String
  package let checkpoint: Checkpoint
  /// Nil takes the task's.
  package let metrics: [String]?
  package let tiles: Tiles?
  package let bootstrapResamples: Int
  package let rolloutSteps: Int
  package let colorSpace: ColorSpace
  /// Pixels left out at each border of restored images.
  package let border: Int

  static let table: OptionTable = [
    Option("split", .text, default: "test", "the part that is measured"),
    Option(
      "checkpoint", .choice(Checkpoint.self), default: "best", "the weights that are measured"),
    Option("metrics", .list(.name(of: "metric")), default: .described("the task's"), "names"),
    Option(
      "tiled_inference",
      .table([
        Option("crop", .integer, default: .required, range: .atLeast(1), unit: "pixels", "side"),
        Option(
          "stride", .integer, default: .required, range: .atLeast(1), unit: "pixels", "distance"),
        Option("batch", .integer, default: 1, range: .atLeast(1), unit: "tiles", "at once"),
      ]), default: .absent, aliases: ["tiled_inference_parameters"], "large images in tiles"),
    Option("bootstrap", .integer, default: 1000, range: .atLeast(0), "resamples; 0: no interval"),
    Option("rollout_steps", .integer, default: 1, range: .atLeast(1), unit: "frames", "PDE"),
    Option("color_space", .choice(ColorSpace.self), default: "rgb", "of restoration metrics"),
    Option(
      "border", .integer, default: 0, range: .atLeast(0), aliases: ["crop_border"], unit: "pixels",
      "left out by restoration metrics"),
  ]

  init(_ reader: OptionReader) {
    split = reader.text("split")
    checkpoint = reader.choice("checkpoint", as: Checkpoint.self)
    metrics = reader.value("metrics").map { _ in reader.texts("metrics") }
    tiles = reader.optionalTable("tiled_inference").map {
      Tiles(crop: $0.int("crop"), stride: $0.int("stride"), batch: $0.int("batch"))
    }
    bootstrapResamples = reader.int("bootstrap")
    rolloutSteps = reader.int("rollout_steps")
    colorSpace = reader.choice("color_space", as: ColorSpace.self)
    border = reader.int("border")
  }
}

/// `output`: where run directories go.
package struct OutputSection: Sendable {
  package enum Existing: String, CaseIterable, Sendable { case fail, new, overwrite }

  /// Absolute path.
  package let directory: String
  package let ifExists: Existing

  static let table: OptionTable = [
    Option(
      "dir", .path, default: .described("outputs in the working folder"),
      aliases: ["output_dir", "work_dir", "default_root_dir"],
      "folder of all runs"),
    Option(
      "if_exists", .choice(Existing.self), default: "fail",
      "asked only when train.resume has nothing to continue"),
  ]

  init(_ reader: OptionReader) {
    directory =
      reader.optionalPath("dir") ?? FilePath.absolute("outputs", relativeTo: FilePath.current)
    ifExists = reader.choice("if_exists", as: Existing.self)
  }
}

/// `tracking`: which logs are written beside the run's own.
package struct TrackingSection: Sendable {
  package enum Log: Sendable, Hashable {
    case off
    /// At its place in the run directory.
    case on
    case at(String)
  }

  package let csv: Log
  package let jsonLines: Log
  package let tensorBoard: Log
  package let mlflow: Log

  static let table: OptionTable = [
    Option("csv", log, default: true, "metrics.csv"),
    Option("jsonl", log, default: true, "metrics.jsonl"),
    Option("tensorboard", log, default: true, aliases: ["use_tensorboard"], "event files"),
    Option("mlflow", log, default: false, "an MLflow file store"),
  ]

  private static let log = OptionType.either([.boolean, .path])

  init(_ reader: OptionReader) {
    func log(_ name: String) -> Log {
      reader.optionalPath(name).map(Log.at) ?? (reader.bool(name) ? .on : .off)
    }
    csv = log("csv")
    jsonLines = log("jsonl")
    tensorBoard = log("tensorboard")
    mlflow = log("mlflow")
  }
}

/// `distributed`: threads, ranks and the batch system.
package struct DistributedSection: Sendable {
  package enum Backend: String, CaseIterable, Sendable { case none, mpi }

  package struct Slurm: Sendable, Hashable {
    package let partition: String?
    package let minutes: Int?
    package let memory: String?
    package let account: String?
    /// Further lines of the array script.
    package let options: [String]
  }

  /// Per rank; nil takes the program's choice.
  package let threads: Int?
  package let nodes: Int
  package let ranksPerNode: Int
  package let backend: Backend
  package let slurm: Slurm?

  static let table: OptionTable = [
    Option(
      "threads", .either([.oneOf(["auto"]), .integer]), default: "auto", range: .atLeast(1),
      "per rank"),
    Option("nodes", .integer, default: 1, range: .atLeast(1), "machines"),
    Option("ranks_per_node", .integer, default: 1, range: .atLeast(1), "processes per machine"),
    Option("backend", .choice(Backend.self), default: "none", "how ranks talk"),
    Option(
      "slurm",
      .table([
        Option("partition", .text, default: .absent, "partition"),
        Option("time", .integer, default: .absent, range: .atLeast(1), unit: "minutes", "limit"),
        Option("memory", .text, default: .absent, "as sbatch takes it: 32G"),
        Option("account", .text, default: .absent, "account"),
        Option("options", .list(.text), default: [], "further lines"),
      ]), default: .absent, "lines of the array script"),
  ]

  init(_ reader: OptionReader) {
    threads = reader.optionalInt("threads")
    nodes = reader.int("nodes")
    ranksPerNode = reader.int("ranks_per_node")
    backend = reader.choice("backend", as: Backend.self)
    slurm = reader.optionalTable("slurm").map {
      Slurm(
        partition: $0.optionalText("partition"), minutes: $0.optionalInt("time"),
        memory: $0.optionalText("memory"), account: $0.optionalText("account"),
        options: $0.texts("options"))
    }
  }
}
