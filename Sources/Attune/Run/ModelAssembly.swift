import Adapters
import Backbones
import Layers
import Recipes
import Tasks
import Tensors

/// A network with its weights and adapters, as a recipe describes it.
struct AssembledModel: Sendable {
  let network: Network
  let adapted: AdaptedModel
  /// Nil where training starts from random values.
  let weights: RunRecord.Weights?
  let backboneName: String
  let inputNames: InputNames
  /// Option name to value, defaults included.
  let options: [String: String]
  /// `train.precision`; evaluation computes as training does.
  var precision = Precision.fp32

  /// A context in the model's precision.
  func inPrecision(_ context: ForwardContext) -> ForwardContext {
    var context = context
    context.precision = precision
    return context
  }

  /// Values of the head that a saved adapter to start from had no fitting ones for.
  var headLeftFresh: [String] = []

  /// Base weights that a federated run adds updates to; empty for any other.
  var movedBase: [Parameter] = []

  /// What is computed once for all epochs; nil where the recipe does not ask for it.
  var prefix: FrozenPrefix?

  var tree: ModuleTree { adapted.tree }

  /// Everything that training changes: trained values, then running statistics and what adapters
  /// keep beside them, then base weights that rounds of a federated run move.
  var state: [Parameter] { adapted.trainable + adapted.buffers + movedBase }

  /// Parts of a batch that are worked on side by side while batch norms use its statistics.
  ///
  /// One where there are such norms, since they need those of the whole batch.
  func trainingShards(threads: Int) -> Int { mixesSamples ? 1 : threads }

  /// Whether samples of a pass take part in each other's result: by batch norms, or by an adapter.
  var mixesSamples: Bool { hasBatchNorms || hasMixingAdapter }

  var hasMixingAdapter: Bool {
    adapted.adapters.contains {
      $0.method.map { type(of: $0).capabilities.contains(.mixesSamples) } ?? false
    }
  }

  /// Whether neck, decoder or adapters have batch norms, which always use the batch's statistics in
  /// training.
  var hasTrainedNorms: Bool {
    adapted.adapters.contains { $0.buffers.contains(where: Self.isRunningMean) }
      || tree.buffers.contains { Self.isRunningMean($0) && network.isOfTask($0.path) }
  }

  var hasBatchNorms: Bool { adapted.buffers.contains(where: Self.isRunningMean) }

  private static func isRunningMean(_ buffer: Parameter) -> Bool {
    buffer.path.hasSuffix(".running_mean")
  }

  /// Raw outputs of a task's network for a batch of samples, from their features where it holds them.
  func output(_ fields: [String: Tensor], _ context: ForwardContext) -> Tensor {
    guard case .task(let network) = network else {
      preconditionFailure("\(backboneName) without a task's head")
    }
    let context = inPrecision(context)
    if let prefix, let result = prefix.output(fields, maps: network.maps, context) {
      return network.output(of: result, imageSize: prefix.imageSize(fields), context)
    }
    return network(inputNames.input(fields), context)
  }

  /// Next frame from a batch of samples: from its features where it holds them, else its `state`.
  func prediction(_ fields: [String: Tensor], _ context: ForwardContext) -> Tensor {
    if let prediction = prefix?.output(fields, inPrecision(context))?.prediction {
      return prediction
    }
    guard let state = fields["state"] else { preconditionFailure("a batch without state") }
    return prediction(state, context)
  }

  /// Next frame from a window.
  func prediction(_ state: Tensor, _ context: ForwardContext) -> Tensor {
    guard case .backbone(let backbone) = network,
      let prediction = backbone(BackboneInput(["state": state]), inPrecision(context)).prediction
    else { preconditionFailure("\(backboneName) gives no prediction of its own") }
    return prediction
  }
}

/// The parts of a recipe's `model` and `adapter` sections after decoding, before weights are read.
struct ModelPlan {
  private let backboneType: any Backbone.Type
  private let reader: OptionReader
  private let isPretraining: Bool
  /// Nil for tasks that need no head beside the backbone.
  private let task: TaskNetworkPlan?
  let adapters: [AdapterPlan]
  private let methods: Registry<any AdapterMethod.Type>
  private let recipe: Recipe
  /// Whether rounds of a federated run add updates to base weights.
  private let movesBase: Bool

  /// Decodes the sections; all that is wrong goes to `diagnostics`, and then nil is returned.
  init?(
    _ recipe: Recipe, _ task: (any LearningTask.Type)?, _ registries: Registries,
    _ diagnostics: Diagnostics
  ) {
    self.recipe = recipe
    let component = recipe.model.backbone
    adapters = recipe.adapters.compactMap { AdapterPlan($0, registries, diagnostics) }
    methods = registries.adapterMethods
    let aggregation = recipe.federated?.aggregation.name ?? ""
    let aggregationType = registries.federatedAggregations[aggregation]
    movesBase = aggregationType.map { $0.movesBase } ?? false
    isPretraining = task is MaskedPretraining.Type
    if isPretraining { Self.refuseGridMethods(recipe, registries, diagnostics) }
    guard let type = registries.backbones.entry(for: component, diagnostics) else { return nil }
    backboneType = type
    self.task = (task as? any SampleTask.Type).map {
      TaskNetworkPlan(
        recipe.model, form: $0.output, backbone: type, at: component.location, diagnostics)
    }
    if self.task == nil, recipe.model.decoder != nil || recipe.model.neck != nil {
      diagnostics.error(
        .rule("task \(recipe.task) has no decoder", mend: "remove model.decoder and model.neck"),
        at: component.location, path: "model.decoder")
    }
    reader = OptionReader(component, type.options, diagnostics)
    if isPretraining, type.maskedAutoencoder == nil {
      diagnostics.error(
        .rule(
          "\(type.name) is not pretrained by masking",
          mend: "choose one of "
            + registries.backbones.entries.filter { $0.maskedAutoencoder != nil }.map { $0.name }
            .joined(separator: ", ")), at: component.location, path: component.path)
    } else if !isPretraining, recipe.model.pretraining != nil {
      diagnostics.error(
        .rule("pretrain belongs to task pretrain-mae", mend: "remove it"),
        at: component.location, path: "model.pretrain")
    }
    let known = DataShape(
      imageSize: recipe.model.imageSize.map { [$0.height, $0.width] },
      channels: recipe.model.channels, classes: recipe.model.classes)
    _ = network(for: known, outputs: recipe.model.classes, in: ModelBuilder().root, diagnostics)
  }

  /// Builds the network for data of a shape and a number of outputs of the task, nil while unknown.
  private func network(
    for data: DataShape, outputs: Int?, in scope: Scope, _ diagnostics: Diagnostics
  ) -> Network {
    if let task {
      let shape = task.shape(data, outputs: outputs)
      let backbone = backboneType.init(reader, for: shape, in: scope, diagnostics)
      return .task(task.network(on: backbone, outputs: outputs ?? 2, in: scope, diagnostics))
    }
    guard isPretraining, let type = backboneType.maskedAutoencoder else {
      return .backbone(backboneType.init(reader, for: data, in: scope, diagnostics))
    }
    return .autoencoder(
      type.init(reader, recipe.model.pretraining ?? .standard, for: data, in: scope, diagnostics))
  }

  /// Builds the model for data of a shape with inputs of some names, draws or reads the weights and
  /// attaches the adapters.
  ///
  /// `outputs` is the number of the task's, where it has some. `bands` are the data's, for weights of
  /// other channels. Without `readingWeights` they are drawn in
  /// any case, to look at the model alone. `ranks` are those that an earlier start found; without them
  /// `probe` makes what initializations look at, from the model without adapters. `digests` may know
  /// the weights' file. Without `startsAdapters` saved adapters are not read, since a checkpoint's
  /// values follow.
  func assemble(
    for data: DataShape = DataShape(), outputs: Int = 2, inputs: [String]? = nil,
    bands: [String]? = nil, readingWeights: Bool = true, ranks: FoundRanks? = nil,
    digests: FileDigestCache = .init(), startsAdapters: Bool = true, factors: FactorCache? = nil,
    probe: ((_ bare: AssembledModel) throws -> any CalibrationProbe)? = nil
  ) throws -> AssembledModel {
    let builder = ModelBuilder()
    let diagnostics = Diagnostics()
    let network = network(for: data, outputs: outputs, in: builder.root, diagnostics)
    try diagnostics.throwErrors()
    let tree = builder.tree
    let seed = UInt64(bitPattern: Int64(recipe.seed))
    var weights: RunRecord.Weights?
    if readingWeights, case .file(let path) = recipe.model.weights {
      let options = WeightOptions(recipe.model, dataBands: bands, seed: seed)
      weights = try loadWeights(
        path, into: tree, network: network, options: options, digests: digests)
    } else {
      tree.initialize(seed: seed)
    }
    let ofTask = tree.stored.map(\.path).filter(network.isOfTask)
    let isTrained = !recipe.model.freezesDecoder
    var options: [String: String] = [:]
    for option in backboneType.options.options {
      if let value = reader.value(option.name) { options[option.name] = text(value.plain) }
    }
    func assembled(_ adapted: AdaptedModel) throws -> AssembledModel {
      AssembledModel(
        network: network, adapted: adapted, weights: weights, backboneName: backboneType.name,
        inputNames: try InputNames(
          recipe.model, backbone: backboneType, data: inputs ?? backboneType.inputNames),
        options: options, precision: Precision(rawValue: recipe.train.precision.rawValue) ?? .fp32)
    }
    let calibration =
      looksAtData && ranks == nil
      ? try probe?(
        assembled(AdaptedModel(tree: tree, adapters: [], freezesBackbone: false))) : nil
    let attached = try adapters.enumerated().map { number, entry in
      var settings = entry.settings
      if let ranks, ranks.ranks[settings.name] != nil {
        settings.initialization = RecordedRanks(
          ranks, adapter: settings.name, origin: entry.initialization)
      }
      return try AttachedAdapter(
        settings, method: entry.method, on: tree, defaults: backboneType.defaultTargets,
        seed: seed, saving: number == 0 && isTrained ? ofTask : [], isFirst: number == 0,
        probe: calibration, factors: factors)
    }
    var fresh: [String] = []
    for (plan, adapter) in zip(adapters, attached) where startsAdapters {
      fresh += try plan.start(
        adapter, methods, on: tree, network: network,
        baseDigest: weights?.digest ?? randomDigest(seed: recipe.seed))
    }
    let adapted = AdaptedModel(
      tree: tree, adapters: attached, freezesBackbone: recipe.freezesBackbone,
      trained: isTrained ? ofTask : [], frozen: isTrained ? [] : ofTask)
    var model = try assembled(adapted)
    model.headLeftFresh = fresh
    if movesBase {
      model.movedBase = attached.flatMap(\.modules).map(\.target.site.weight).uniqued()
    }
    return model
  }

  /// Whether a component's formula is unverified.
  var isExperimental: Bool { adapters.contains(where: \.isExperimental) }

  /// Whether an adapter's first values or ranks are found from data.
  var looksAtData: Bool { adapters.contains(where: \.looksAtData) }

  /// Whether what is found from data are values that stand in no file before the first checkpoint.
  var findsValues: Bool {
    adapters.contains { plan in
      plan.initialization.map { type(of: $0).findsValues } ?? false
    }
  }

  /// Refuses methods that need all tokens of a grid.
  private static func refuseGridMethods(
    _ recipe: Recipe, _ registries: Registries, _ diagnostics: Diagnostics
  ) {
    for entry in recipe.adapters {
      guard let type = registries.adapterMethods[entry.method.name],
        type.capabilities.contains(.tokenGrid)
      else { continue }
      diagnostics.error(
        .rule(
          "\(type.name) needs all tokens of a grid, and task \(recipe.task) leaves masked ones out",
          mend: "choose a method without a convolution over the grid, such as adaptformer"),
        at: entry.method.location, path: entry.method.path)
    }
  }
}

/// A plain value as short text for records.
private func text(_ value: PlainValue) -> String {
  switch value {
  case .null: "null"
  case .boolean(let value): String(value)
  case .integer(let value): String(value)
  case .number(let value): "\(value)"
  case .text(let value), .path(let value): value
  case .list(let values): "[" + values.map(text).joined(separator: ", ") + "]"
  case .map(let fields):
    "{" + fields.map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
  }
}
