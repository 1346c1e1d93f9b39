import Adapters
import Backbones
import Foundation
import Layers
import Recipes
import Tensors

/// What adapters cost on a vision transformer, in one interleaved run on one thread: training beside
/// the frozen model's forward pass and gradient of its input, and a bank of many adapters beside a
/// single one.
struct AdapterBenchmark: Benchmark {
  static let name = "adapters"
  static let summary = "overhead of an adapter over the frozen model, and of many over one"
  static let options: OptionTable = [
    Option("model", .text, default: "vit_small_patch16_224", "timm's name."),
    Option("method", .text, default: "lora", "An adaptation method with its own defaults."),
    Option("rank", .integer, default: 8, range: .atLeast(1), "Rank, where the method has one."),
    Option("batch", .integer, default: 8, range: .atLeast(1), "Samples of a training step."),
    Option(
      "adapters", .integer, default: 100, range: .atLeast(1),
      "Adapters in the bank, of ranks 1 to twice the rank, one sample each."),
    Option("rounds", .integer, default: 5, range: .atLeast(1), "Timed rounds, after one."),
  ]

  static func work(
    _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> () throws -> any BenchReport {
    let benchmark = AdapterBenchmark(options)
    return { try benchmark.result() }
  }

  private let model: String
  private let method: String
  private let rank: Int
  private let batch: Int
  private let adapters: Int
  private let rounds: Int

  private init(_ options: OptionReader) {
    model = options.text("model")
    method = options.text("method")
    rank = options.int("rank")
    batch = options.int("batch")
    adapters = options.int("adapters")
    rounds = options.int("rounds")
  }

  private func result() throws -> AdapterBenchResult {
    let (plain, _) = try network()
    let began = ContinuousClock.now
    let (adapted, trained) = try network(with: method)
    let attached = (ContinuousClock.now - began) / .seconds(1)
    let side = 224
    let images = benchNoise([batch, 3, side, side])
    var (frozen, training): ([Double], [Double]) = ([], [])
    for round in 0...rounds {
      let first = step(plain, images)
      let second = step(adapted, images)
      if round > 0 {
        frozen.append(first)
        training.append(second)
      }
    }
    let bank = try banked()
    let many = benchNoise([adapters, 3, side, side])
    var (one, all): ([Double], [Double]) = ([], [])
    let names = bank.bank.names
    for round in 0...rounds {
      let first = try pass(bank, many, names.map { _ in names[0] })
      let second = try pass(bank, many, names)
      if round > 0 {
        one.append(first)
        all.append(second)
      }
    }
    return AdapterBenchResult(
      model: model, method: method, rank: rank, batch: batch, trainableParameters: trained,
      buildSeconds: attached, frozenSeconds: middle(frozen), adaptedSeconds: middle(training),
      overhead: middle(zip(training, frozen).map { $0 / $1 - 1 }), bankAdapters: adapters,
      singleSeconds: middle(one), bankSeconds: middle(all),
      bankThroughput: middle(zip(one, all).map { $0 / $1 }))
  }

  /// The model with drawn weights, frozen, and an adapter on the four layers of every block.
  private func network(with method: String? = nil) throws -> (vit: ViT, trained: Int) {
    let (vit, tree) = try bare()
    guard let method else { return (vit, 0) }
    let type = try Registries.standard.adapterMethods.entry(named: method)
    let diagnostics = Diagnostics()
    let fields =
      type.options.names.contains("r") ? [PlainValue.Field("r", .integer(rank))] : []
    let made = type.init(
      OptionReader(
        Located(plain: .map(fields), at: SourceLocation(source: "bench")), type.options,
        diagnostics), diagnostics)
    try diagnostics.throwErrors()
    var settings = AdapterSettings(name: method, method: method)
    if !type.capabilities.contains(.blocks) { settings.targets = try targets() }
    let adapter = try AttachedAdapter(settings, method: made, on: tree, defaults: [], seed: 1)
    return (vit, adapter.parameters.reduce(0) { $0 + $1.elementCount })
  }

  private func targets() throws -> [Pattern] {
    try ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"].map { try Pattern($0) }
  }

  private func bare() throws -> (ViT, ModuleTree) {
    let diagnostics = Diagnostics()
    let builder = ModelBuilder()
    let options = Located(
      plain: ["model": .text(model)], at: SourceLocation(source: "bench"))
    let vit = ViT(
      OptionReader(options, ViT.options, diagnostics),
      for: DataShape(imageSize: [224, 224], channels: 3, classes: 10), in: builder.root, diagnostics
    )
    try diagnostics.throwErrors()
    builder.tree.initialize(seed: 0)
    for parameter in builder.tree.parameters { parameter.isTrainable = false }
    return (vit, builder.tree)
  }

  /// A model with adapters of ranks 1 to twice the rank.
  private func banked() throws -> (vit: ViT, bank: AdapterBank) {
    let (vit, tree) = try bare()
    var bank = AdapterBank(tree)
    for index in 0..<adapters {
      var settings = AdapterSettings(name: "\(index)", method: LoRA.name)
      settings.targets = try targets()
      try bank.add(
        settings, LoRA(LowRank(rank: 1 + index % (2 * rank))), seed: UInt64(index))
    }
    return (vit, bank)
  }

  /// Seconds of a forward pass and of the gradients down to the input.
  private func step(_ vit: ViT, _ images: Tensor) -> Double {
    let labels = benchLabels(batch, classes: 10)
    let began = ContinuousClock.now
    guard
      let logits = vit(BackboneInput(images.tracked(by: Node())), .evaluation).logits
    else { return 0 }
    _ = crossEntropy(logits, labels: labels, ignoring: nil, smoothing: 0).gradients()
    return (ContinuousClock.now - began) / .seconds(1)
  }

  private func pass(
    _ model: (vit: ViT, bank: AdapterBank), _ images: Tensor, _ names: [String]
  ) throws -> Double {
    let began = ContinuousClock.now
    _ = try model.bank.output(images, adapters: names) { images, context in
      model.vit(BackboneInput(images), context).logits ?? images
    }
    return (ContinuousClock.now - began) / .seconds(1)
  }
}

/// What the benchmark of adapters found.
struct AdapterBenchResult: BenchReport {
  var model: String
  var method: String
  var rank: Int
  var batch: Int
  var trainableParameters: Int
  /// Building the model, drawing its weights, attaching.
  var buildSeconds: Double
  var frozenSeconds: Double
  var adaptedSeconds: Double
  /// Adapted over frozen, less 1, round by round.
  var overhead: Double
  var bankAdapters: Int
  var singleSeconds: Double
  var bankSeconds: Double
  /// Throughput of the bank over that of a single adapter.
  var bankThroughput: Double

  private enum CodingKeys: String, CodingKey {
    case model, method, rank, batch, overhead
    case trainableParameters = "trainable_params"
    case buildSeconds = "build_s"
    case frozenSeconds = "frozen_step_s"
    case adaptedSeconds = "adapted_step_s"
    case bankAdapters = "bank_adapters"
    case singleSeconds = "single_adapter_s"
    case bankSeconds = "bank_s"
    case bankThroughput = "bank_throughput"
  }

  var text: String {
    func number(_ value: Double) -> String { String(format: "%.3f", value) }
    return """
      \(method) on \(model), rank \(rank), batch \(batch), one thread
      trained values     \(trainableParameters)
      frozen step        \(number(frozenSeconds)) s, forward and gradient of the input
      adapted step       \(number(adaptedSeconds)) s, \(number(100 * overhead)) % more
      one adapter        \(number(singleSeconds)) s for \(bankAdapters) samples
      \(bankAdapters) adapters \(number(bankSeconds)) s, throughput \(number(bankThroughput)) of one adapter's
      """
  }
}

private func middle(_ values: [Double]) -> Double {
  let (sorted, half) = (values.sorted(), values.count / 2)
  return values.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}
