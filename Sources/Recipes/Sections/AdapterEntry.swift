/// One entry of `adapter`: a method, where it stands, and what happens around it.
///
/// `r`, `alpha`, `dropout`, `use_rslora` and `use_dora` are forwarded: the method's own table declares
/// those that it takes, with its defaults, and a method whose table lacks one refuses it.
package struct AdapterEntry: Sendable {
  package enum Bias: String, CaseIterable, Sendable { case none, all, adapted }

  /// The method's name; its options are read by the method's table.
  package let method: Component
  package let name: String
  /// Nil takes the backbone's declared list.
  package let targetModules: [String]?
  package let excludeModules: [String]
  /// Block positions of branch methods; nil takes all blocks.
  package let positions: [String]?
  package let modulesToSave: [String]
  package let bias: Bias
  /// Pattern to rank in file order, the first match wins; 0 leaves the module alone.
  package let rankPattern: [(pattern: String, rank: Int)]
  package let alphaPattern: [(pattern: String, alpha: Double)]
  /// Nil takes all blocks.
  package let layersToTransform: [Int]?
  /// Nil takes the method's.
  package let initialization: Component?
  package let schedule: Component?
  package let optimizer: Component?
  /// Absolute path of a saved adapter to start from.
  package let startsFrom: String?

  static let type = OptionType.component(of: "adapter method", key: "method", beside: table)

  private static let table: OptionTable = [
    Option(
      "name", .text, default: .described("the method"), aliases: ["adapter_name"],
      "unique in a list"),
    Option(
      "r", .integer, default: .described("the method's"), range: .atLeast(1),
      aliases: ["rank", "lora_r", "lora_rank"], forwarded: true, "rank"),
    Option(
      "alpha", .number, default: .described("the method's"), aliases: ["lora_alpha"],
      forwarded: true, "scaling alpha / r"),
    Option(
      "dropout", .number, default: 0, range: .within(0..<1), aliases: ["lora_dropout"],
      forwarded: true, "dropout on the adapter's input"),
    Option(
      "target_modules", patterns, default: .described("the backbone's list"),
      "modules that get the adapter"),
    Option("exclude_modules", patterns, default: [], "modules that do not"),
    Option(
      "at", patterns, default: .described("all blocks"),
      "block positions, for methods that act on a block's stream"),
    Option("modules_to_save", patterns, default: [], "base modules or parameters trained in full"),
    Option("bias", .choice(Bias.self), default: "none", "base biases trained"),
    Option(
      "rank_pattern", .map(.integer), default: [:], range: .atLeast(0),
      "exceptions to r by pattern; 0 leaves the module alone"),
    Option("alpha_pattern", .map(.number), default: [:], "exceptions to alpha by pattern"),
    Option(
      "layers_to_transform", .list(.integer), default: .described("all"), range: .atLeast(0),
      "block numbers, by the backbone's own labels"),
    Option(
      "use_rslora", .boolean, default: false, aliases: ["peft_use_rslora"], forwarded: true,
      "scaling alpha / sqrt(r)"),
    Option(
      "use_dora", .boolean, default: false, aliases: ["peft_use_dora"], forwarded: true,
      "trains the magnitudes apart"),
    Option(
      "init", .component(of: "adapter init"), default: .described("the method's"),
      aliases: ["init_lora_weights"], "how values and ranks are found before step 0"),
    Option(
      "schedule", .component(of: "adapter schedule"), default: .absent,
      "what changes during training"),
    Option(
      "optimizer", .component(of: "adapter optimizer"), default: .described("train.optimizer"),
      "update rule for this adapter's tensors"),
    Option(
      "from", .path, default: .absent, aliases: ["lora_model_dir"], "a saved adapter to start from"),
  ]

  private static let patterns = OptionType.list(.pattern)

  init(_ method: Component) {
    let reader = method.beside
    self.method = method
    name = reader.optionalText("name") ?? method.name
    targetModules = reader.value("target_modules").map { _ in reader.texts("target_modules") }
    excludeModules = reader.texts("exclude_modules")
    positions = reader.value("at").map { _ in reader.texts("at") }
    modulesToSave = reader.texts("modules_to_save")
    bias = reader.choice("bias", as: Bias.self)
    rankPattern = reader.map("rank_pattern").compactMap { entry in
      if case .integer(let rank) = entry.value.value { (entry.key, rank) } else { nil }
    }
    alphaPattern = reader.map("alpha_pattern").compactMap { entry in
      entry.value.asNumber.map { (entry.key, $0) }
    }
    layersToTransform = reader.value("layers_to_transform").map { _ in
      reader.ints("layers_to_transform")
    }
    initialization = reader.optionalComponent("init")
    schedule = reader.optionalComponent("schedule")
    optimizer = reader.optionalComponent("optimizer")
    startsFrom = reader.optionalPath("from")
  }
}
