extension DataSection {
  static let table: OptionTable = [
    Option(
      "format", .component(of: "data format"), default: .required, "how the files are laid out"),
    Option(
      "root", .path, default: ".", aliases: ["train_data_root", "data_root"],
      "the folder of the data; else the recipe's"),
    Option(
      "inputs", .map(.table(InputSection.table, rest: "data format")), default: [:],
      "what belongs to one input"),
    Option(
      "target", .table(TargetSection.table, rest: "data format"), default: [:],
      "what the model is to give"),
    Option(
      "patch", .table(Patch.table), default: .absent,
      "scene: one odd patch per labelled pixel; raster: windows"),
    Option(
      "degrade", .table(Degradation.table), default: .absent,
      "restoration inputs made from the clean target"),
    Option(
      "n_steps_input", .integer, default: 1, range: .atLeast(0), aliases: ["initial_step"],
      unit: "frames", "0: a steady problem"),
    Option("n_steps_output", .integer, default: 1, range: .atLeast(1), unit: "frames", "predicted"),
    Option(
      "window_stride", .integer, default: 1, range: .atLeast(1), unit: "frames",
      "distance between windows"),
    Option(
      "reduced_resolution", .integer, default: 1, range: .atLeast(1), "keep every k-th grid point"),
    Option(
      "reduced_resolution_t", .integer, default: 1, range: .atLeast(1), "keep every k-th step"),
    Option(
      "reduced_batch", .integer, default: 1, range: .atLeast(1), "keep every k-th trajectory"),
    Option("split", SplitSection.type, default: .required, "which samples train, validate, test"),
    Option(
      "transforms", .list(.component(of: "transform")), default: [], aliases: ["train_transform"],
      "random ones on training samples only"),
    Option("sampler", .choice(Sampler.self), default: "shuffle", "order of the samples"),
    Option(
      "batch_size", .integer, default: 8, range: .atLeast(1), aliases: ["micro_batch_size"],
      unit: "samples", "per device and micro batch"),
    Option(
      "num_workers", .either([.oneOf(["auto"]), .integer]), default: "auto", range: .atLeast(0),
      "readers; speed only"),
    Option("cache", .choice(Cache.self), default: "none", "speed only"),
    Option(
      "card", DataCard.referenceType, default: .absent, "a data set card that gives defaults"),
    Option("on_bad", .choice(BadSample.self), default: "stop", "what an unreadable sample does"),
    Option(
      "max_skipped", Allowance.type, default: 0.01, range: .atLeast(0),
      "number or share of skipped samples at which the run stops"),
    Option(
      "digest", .choice(FileDigests.self), default: "full",
      "full: all bytes; ends: size, first and last 64 KiB"),
  ]

  /// The same fields where several data sets train together.
  static let sourceTable = table.adding([
    Option("name", .text, default: .required, "names the data set in log and report"),
    Option("weight", .number, default: 1, range: .above(0), "how often it is drawn"),
  ])

  /// `data` with a list of sources, after fields beside the list went into each of them.
  static let sourcesTable: OptionTable = [
    Option("sources", .list(.table(sourceTable)), default: .required, "data sets of one run")
  ]
}

/// One of several data sets that train together.
package struct DataSource: Sendable {
  package let name: String
  package let weight: Double
  package let data: DataSection
}
