/// `data`: where the samples lie, what they hold, and how they are served.
package struct DataSection: Sendable {
  package struct Patch: Sendable, Hashable {
    package enum Padding: String, CaseIterable, Sendable { case zero, mirror }
    package let size: Int
    /// Nil takes the reader's.
    package let stride: Int?
    package let padding: Padding
  }

  package struct Degradation: Sendable {
    package enum Order: String, CaseIterable, Sendable { case listed, random }
    package let steps: [Component]
    package let order: Order
    /// Chance of each step.
    package let probability: Double
    /// Fewest steps per sample.
    package let atLeast: Int
  }

  package enum Sampler: String, CaseIterable, Sendable { case shuffle, balanced, sequential }
  package enum Cache: String, CaseIterable, Sendable { case none, memory, disk }
  package enum BadSample: String, CaseIterable, Sendable { case stop, skip }
  package enum FileDigests: String, CaseIterable, Sendable { case full, ends }

  package let format: Component
  /// Absolute path.
  package let root: String
  /// In file order; empty takes the format's.
  package let inputs: [InputSection]
  package let target: TargetSection
  package let patch: Patch?
  package let degradation: Degradation?
  package let inputSteps: Int
  package let outputSteps: Int
  package let windowStride: Int
  /// Keep every k-th grid point, time step, trajectory.
  package let reducedResolution: Int
  package let reducedTimeResolution: Int
  package let reducedBatch: Int
  package let split: SplitSection
  package let transforms: [Component]
  package let sampler: Sampler
  /// Samples per device and micro batch.
  package let batchSize: Int
  /// Nil takes the program's choice; changes speed only.
  package let workers: Int?
  package let cache: Cache
  /// The data set card that gave defaults.
  package let card: DataCard.Note?
  package let onBadSample: BadSample
  package let maximumSkipped: Allowance
  package let fileDigests: FileDigests

  init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    format = reader.component("format")
    root = reader.path("root")
    inputs = reader.namedTables("inputs").map {
      InputSection(name: $0.key, $0.reader, diagnostics)
    }
    let target = reader.optionalTable("target")
    self.target = TargetSection(
      target
        ?? OptionReader(
          Located(.map([]), at: reader.location), TargetSection.table, Diagnostics()), diagnostics)
    patch = reader.optionalTable("patch").map(Patch.init)
    degradation = reader.optionalTable("degrade").map(Degradation.init)
    inputSteps = reader.int("n_steps_input")
    outputSteps = reader.int("n_steps_output")
    windowStride = reader.int("window_stride")
    reducedResolution = reader.int("reduced_resolution")
    reducedTimeResolution = reader.int("reduced_resolution_t")
    reducedBatch = reader.int("reduced_batch")
    split = SplitSection(reader.component("split"), diagnostics)
    transforms = reader.components("transforms")
    sampler = reader.choice("sampler", as: Sampler.self)
    batchSize = reader.int("batch_size")
    workers = reader.optionalInt("num_workers")
    cache = reader.choice("cache", as: Cache.self)
    card = reader.optionalTable("card").map {
      DataCard.Note(
        name: $0.text("name"), license: $0.text("license"), sha256: $0.text("sha256"))
    }
    onBadSample = reader.choice("on_bad", as: BadSample.self)
    maximumSkipped =
      reader.value("max_skipped").flatMap { Allowance($0, diagnostics) } ?? .count(0)
    fileDigests = reader.choice("digest", as: FileDigests.self)
  }
}

extension DataSection.Patch {
  static let table: OptionTable = [
    Option("size", .integer, default: .required, range: .atLeast(1), unit: "pixels", "side"),
    Option(
      "stride", .integer, default: .described("the reader's"), range: .atLeast(1), unit: "pixels",
      "distance between windows"),
    Option("padding", .choice(Padding.self), default: "zero", "what lies beyond the border"),
  ]

  init(_ reader: OptionReader) {
    size = reader.int("size")
    stride = reader.optionalInt("stride")
    padding = reader.choice("padding", as: Padding.self)
  }
}

extension DataSection.Degradation {
  static let table: OptionTable = [
    Option(
      "list", .list(.component(of: "degradation")), default: .required,
      "what is done to the clean image"),
    Option("order", .choice(Order.self), default: "listed", "in which order"),
    Option("probability", .number, default: 1, range: .within(0...1), "chance of each"),
    Option("at_least", .integer, default: 1, range: .atLeast(0), "fewest per sample"),
  ]

  init(_ reader: OptionReader) {
    steps = reader.components("list")
    order = reader.choice("order", as: Order.self)
    probability = reader.number("probability")
    atLeast = reader.int("at_least")
  }
}
