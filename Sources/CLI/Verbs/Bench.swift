import ArgumentParser
import Attune
import enum Recipes.PlainValue

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time known work: a training step, inference, or reading.",
    discussion: """
      Models: two steps to warm up, then the timed ones, by the code that recipes run. The rate of large \
      products with frozen weights is measured in the same process; it is the ceiling that the whole \
      step is held against. Unset OPENBLAS_CORETYPE: it forces slower products. Reading: one pass to warm up, \
      then the timed ones, by the readers that recipes use.

      Work: \(benchmarkNames.map { "\($0.name) (\($0.summary))" }.joined(separator: "; ")).
      """)

  @Argument(help: "What is timed: \(benchmarkNames.map(\.name).joined(separator: ", ")).")
  var name: String

  @Argument(help: "data-tiles: folder of *.tif; data-hdf5: a file of trajectories.")
  var path: String?

  @Option(help: "Samples of a step.")
  var batch: Int?

  @Option(help: "Threads (1).")
  var threads: Int?

  @Option(help: "fp32 or bf16 (fp32).")
  var precision: String?

  @Option(help: "train or infer; infer runs with adapters in place (train).")
  var mode: String?

  @Option(help: "Timed steps, after two to warm up (5).")
  var steps: Int?

  @Option(help: "adapters: an adaptation method (lora).")
  var method: String?

  @Option(help: "adapters: how many stand in the bank (100).")
  var adapters: Int?

  @Option(help: "adapters: timed rounds, after one (5).")
  var rounds: Int?

  @Option(help: "vit-lora, adapters, ranks: timm's name of the model.")
  var model: String?

  @Option(help: "vit-lora, adapters, ranks: rank of LoRA (8); ranks: 0 trains everything.")
  var rank: Int?

  @Option(help: "vit-lora: side of the images in pixels (224).")
  var imageSize: Int?

  @Flag(help: "vit-lora: compute blocks again on the way back.")
  var checkpointing = false

  @Option(help: "morph, lola: size of the model (Ti, tiny).")
  var size: String?

  @Option(
    help: "morph: time, fields, components, depth, height, width (1,2,1,1,128,128).")
  var shape: String?

  @Flag(help: "morph: train LoRA, norms and position table alone.")
  var lora = false

  @Option(help: "lola: spectral components (15).")
  var bands: Int?

  @Option(help: "lola: side of the patches in pixels (15).")
  var patch: Int?

  @Option(help: "lola: classes (16).")
  var classes: Int?

  @Flag(help: "lola: train everything.")
  var all = false

  @Option(help: "data-tiles: side in pixels of one window of each tile; else tiles are read whole.")
  var window: Int?

  @Option(help: "data-hdf5: dataset to read, where the file has several.")
  var dataset: String?

  @Option(help: "queue: jobs that do nothing (1000).")
  var jobs: Int?

  @Option(help: "queue: processes that work on them (4).")
  var workers: Int?

  @Option(name: .customLong("repeat"), help: "data-tiles, data-hdf5: timed passes (1).")
  var repeats: Int?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let result = try bench(name, given)
    guard !result.isSilent else { return }
    if output.json { try Console.print(json: result) } else { Console.print(result.text) }
  }

  /// The options that stand on the command line; the benchmark says which of them it takes.
  private var given: [(name: String, value: PlainValue)] {
    let numbers = [
      ("batch", batch), ("threads", threads), ("steps", steps), ("rank", rank),
      ("image-size", imageSize), ("bands", bands), ("patch", patch), ("classes", classes),
      ("window", window), ("repeat", repeats), ("adapters", adapters), ("rounds", rounds),
      ("jobs", jobs), ("workers", workers),
    ]
    let texts = [
      ("precision", precision), ("mode", mode), ("model", model), ("size", size), ("shape", shape),
      ("path", path), ("dataset", dataset), ("method", method),
    ]
    let flags = [("checkpointing", checkpointing), ("lora", lora), ("all", all)]
    return numbers.compactMap { name, value in value.map { (name, .integer($0)) } }
      + texts.compactMap { name, value in value.map { (name, .text($0)) } }
      + flags.compactMap { name, isSet in isSet ? (name, .boolean(true)) : nil }
  }
}
