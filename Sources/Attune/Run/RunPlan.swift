import Backbones
import Datasets
import Recipes
import Tasks
import Training

/// The parts of a recipe as their owners read them; nil where one has errors.
struct RunParts {
  let recipe: Recipe
  let task: (any LearningTask.Type)?
  let model: ModelPlan?
  let data: DataPlan?
  /// Nil also where the model has its own.
  let loss: LossSum?
  let optimizer: (any Optimizer)?
  let scheduler: (type: any Scheduler.Type, options: OptionReader)?
  let metrics: [any Metric.Type]
  let federated: FederatedPlan?
  /// What reading found.
  let diagnostics = Diagnostics()
  /// Where the recipe is from; nil unless it is a sweep.
  var sweepSource: String? { recipe.sweep == nil ? nil : recipe.taskLocation.source }

  /// Reads a recipe file.
  ///
  /// - Throws: `RecipeError` for a file that cannot be read as a recipe at all.
  init(file: String, overrides: [Override], registries: Registries = .standard) throws {
    try self.init(registries) { loader, diagnostics in
      try loader.load(file: file, overrides: overrides, diagnostics)
    }
  }

  /// Reads the text of a recipe that lies in `directory`, or is to.
  init(
    text: String, source: String, directory: String = FilePath.current,
    registries: Registries = .standard
  ) throws {
    try self.init(registries) { loader, diagnostics in
      try loader.load(text: text, source: source, directory: directory, diagnostics)
    }
  }

  private init(
    _ registries: Registries, loading: (RecipeLoader, Diagnostics) throws -> Recipe
  ) throws {
    let diagnostics = diagnostics
    let recipe = try loading(RecipeLoader(cardDirectory: ShippedCards.folder()), diagnostics)
    let task = registries.tasks.entry(
      named: recipe.task, at: recipe.taskLocation, path: "task", diagnostics)
    self.recipe = recipe
    self.task = task
    model = ModelPlan(recipe, task, registries, diagnostics)
    data = DataPlan(recipe, task?.target ?? .none, registries, diagnostics)
    loss = RunPlan.loss(recipe, task, registries, diagnostics)
    let component = recipe.train.optimizer
    optimizer = registries.optimizers.entry(for: component, diagnostics).map { type in
      type.init(OptionReader(component, type.options, diagnostics), diagnostics)
    }
    let schedule = recipe.train.scheduler
    scheduler = registries.schedulers.entry(for: schedule, diagnostics).map { type in
      (type: type, options: OptionReader(schedule, type.options, diagnostics))
    }
    metrics = RunPlan.metrics(recipe, task, diagnostics)
    federated = recipe.federated.flatMap { FederatedPlan($0, recipe, registries, diagnostics) }
  }
}

/// A recipe whose every field has been read by the component that owns it.
struct RunPlan {
  let recipe: Recipe
  let resolved: ResolvedRecipe
  let model: ModelPlan
  var data: DataPlan
  let task: any LearningTask.Type
  let metrics: [any Metric.Type]
  let headline: any Metric.Type
  /// Nil where the model has its own.
  let loss: LossSum?
  let optimizer: any Optimizer
  let scheduler: (type: any Scheduler.Type, options: OptionReader)
  /// Nil for training by one party on all data.
  let federated: FederatedPlan?
  let notes: [String]

  /// Reads a recipe file.
  ///
  /// - Throws: `RecipeError` with everything that is wrong, at once.
  init(
    file: String, overrides: [Override], registries: Registries = .standard
  ) throws {
    try self.init(RunParts(file: file, overrides: overrides, registries: registries))
  }

  /// A plan of parts that have no errors.
  ///
  /// - Throws: `RecipeError` with everything that is wrong, `RunError.notOffered`.
  init(_ parts: RunParts) throws {
    let diagnostics = parts.diagnostics
    diagnostics.refuseUnread()
    try diagnostics.throwErrors()
    if let sweep = parts.sweepSource { throw RunError.sweepGiven(recipe: sweep) }
    try Self.refuseUnoffered(parts.recipe, parts.task)
    guard let task = parts.task, let model = parts.model, let data = parts.data,
      let optimizer = parts.optimizer, let scheduler = parts.scheduler
    else { throw RecipeError(diagnostics) }
    recipe = parts.recipe
    self.model = model
    self.data = data
    self.task = task
    loss = parts.loss
    self.optimizer = optimizer
    self.scheduler = scheduler
    federated = parts.federated
    metrics = parts.metrics
    headline = task.headline
    resolved = parts.recipe.resolved(by: diagnostics)
    notes = diagnostics.notes.map(\.description)
  }

  fileprivate static func loss(
    _ recipe: Recipe, _ task: (any LearningTask.Type)?, _ registries: Registries,
    _ diagnostics: Diagnostics
  ) -> LossSum? {
    guard let first = recipe.train.loss.first else {
      guard let name = task?.standardLoss, let type = registries.losses[name] else { return nil }
      let empty = Located(.map([]), at: recipe.taskLocation, path: "train.loss")
      let reader = OptionReader(empty, type.options, diagnostics)
      return LossSum([(type.init(reader, diagnostics), 1)])
    }
    if let task, task.standardLoss == nil {
      diagnostics.error(
        .rule(
          "task \(task.name) has a loss of its own", mend: "leave it out, or see model.pretrain"),
        at: first.loss.location, path: "train.loss")
    }
    return LossSum(
      recipe.train.loss.compactMap { term in
        guard let (type, reader) = registries.losses.reading(term.loss, diagnostics) else {
          return nil
        }
        if let task, !type.targets.contains(task.target), task.standardLoss != nil {
          let known = registries.losses.entries.filter { $0.targets.contains(task.target) }
          diagnostics.error(
            .rule(
              "\(type.name) does not compare \(task.target.meaning)",
              mend: "use one of \(known.map { $0.name }.joined(separator: ", "))"),
            at: term.loss.location, path: "train.loss")
        }
        if !type.targets.contains(.shares), let mixing = mixing(of: recipe) {
          diagnostics.error(
            .rule(
              "\(mixing) makes class shares of classes, which \(type.name) does not compare",
              mend: "use \(CrossEntropy.name), or remove \(mixing) from data.transforms"),
            at: term.loss.location, path: "train.loss")
        }
        return (type.init(reader, diagnostics), term.weight)
      })
  }

  /// The first transform of the recipe that mixes batches.
  private static func mixing(of recipe: Recipe) -> String? {
    let sections = recipe.sources.isEmpty ? [recipe.data] : recipe.sources.map(\.data)
    return sections.flatMap(\.transforms).map(\.name).first { batchTransforms[$0] != nil }
  }

  fileprivate static func metrics(
    _ recipe: Recipe, _ task: (any LearningTask.Type)?, _ diagnostics: Diagnostics
  ) -> [any Metric.Type] {
    guard let names = recipe.evaluation.metrics else { return task?.standardMetrics ?? [] }
    var found: [any Metric.Type] = []
    for name in names {
      do {
        let metric = try Metrics.named(name)
        if let task, !task.judges(metric) {
          diagnostics.error(
            .rule(
              "\(metric.name) does not judge task \(task.name)",
              mend:
                "name one of \(Metrics.all.filter(task.judges).map { $0.name }.joined(separator: ", "))"
            ), at: recipe.taskLocation, path: "eval.metrics")
        }
        if !found.contains(where: { $0.name == metric.name }) { found.append(metric) }
      } catch {
        diagnostics.error(
          .rule(error.description, mend: "see `attune list metrics`"), at: recipe.taskLocation,
          path: "eval.metrics")
      }
    }
    if let headline = task?.headline, !found.contains(where: { $0.name == headline.name }) {
      found.insert(headline, at: 0)
    }
    return found
  }

  /// What the model is told of the data, from one sample of every source.
  ///
  /// - Throws: `RunError.settingInvalid` where the recipe says otherwise of a single input.
  func dataShape(_ shapes: [[String: [Int]]]) throws(RunError) -> DataShape {
    let section = recipe.model
    let image = shapes.first?.values.first { $0.count == 3 }
    if let image, shapes[0].count == 1 {
      if let channels = section.channels, channels != image[0] {
        throw .settingInvalid(
          field: "model.in_chans", found: "\(channels)",
          expected: "\(image[0]), the channels of the data")
      }
      if let size = section.imageSize, [size.height, size.width] != Array(image[1...]) {
        throw .settingInvalid(
          field: "model.img_size", found: "\(size.height)×\(size.width)",
          expected: "\(image[1])×\(image[2]), the size of the data")
      }
    }
    return DataShape(
      imageSize: section.imageSize.map { [$0.height, $0.width] } ?? image.map { [$0[1], $0[2]] },
      channels: section.channels ?? image?[0], classes: section.classes)
  }

  /// Outputs of the task's head for a target.
  ///
  /// - Throws: `RunError.settingInvalid` where `model.num_classes` says otherwise, `TaskError` for a
  ///   target that the task cannot be asked with.
  func outputs(_ target: TargetDescription?) throws -> Int {
    guard let task = task as? any SampleTask.Type, let target else { return 2 }
    let count = try task.init(target).outputs
    if let classes = recipe.model.classes, classes != count {
      throw RunError.settingInvalid(
        field: "model.num_classes", found: "\(classes)",
        expected: "\(count), the classes of the data (\(target.names.joined(separator: ", ")))")
    }
    return count
  }

  /// Fields that are read but that this version cannot execute.
  private static func refuseUnoffered(
    _ recipe: Recipe, _ task: (any LearningTask.Type)?
  ) throws(RunError) {
    let train = recipe.train
    let evaluation = recipe.evaluation
    let form = (task as? any SampleTask.Type)?.output
    let comparesImages = form == .image
    let name = "for task \(recipe.task)"
    let fields: [(field: String, isSet: Bool, value: String)] = [
      ("model.fusion", recipe.model.fusion != .native, recipe.model.fusion.rawValue),
      ("model.head_dropout", recipe.model.headDropout > 0 && (form == nil || comparesImages), name),
      ("eval.color_space", evaluation.colorSpace != .rgb && !comparesImages, name),
      ("eval.border", evaluation.border > 0 && !comparesImages, name),
      (
        "eval.tiled_inference", evaluation.tiles != nil && (form == nil || form == .vector), name
      ),
      ("train.ema", train.averageDecay != nil, "a moving average"),
      ("model.aux_heads", !recipe.model.auxiliaryHeads.isEmpty, "an auxiliary head"),
    ]
    for item in fields where item.isSet {
      throw .notOffered(field: item.field, value: item.value, instead: "Leave the field out")
    }
  }
}
