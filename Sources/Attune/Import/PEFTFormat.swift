import Adapters
import Formats
import Recipes

/// PEFT's `adapter_config.json` (PEFT 0.21): the adapter of a recipe, and the name of its base.
///
/// Fields of single methods are those that the method's own table reads from such files. Ours and PEFT's
/// lists of modules mean the same (a path or a dotted suffix); names of transformers' layers become those
/// of the plain vision transformer.
enum PEFTFormat: PeerFormat {
  static let name = "peft"
  static let summary = "adapter_config.json of Hugging Face PEFT"
  static let syntax = PeerSyntax.json

  static func recognizes(_ root: Located) -> Bool { root["peft_type"] != nil }

  static let rules: [ImportRule] = ImportRule.table(
    [
      ImportRule("peft_type") { translation, value in
        let wanted = value.scalarText == "BONE" ? "MISS" : value.scalarText
        guard let method = method(of: wanted) else {
          return .unmappable("adapter type \(value.shortText) is not offered")
        }
        translation.set("adapter.method", .text(method.name))
        return .mapped()
      },
      ImportRule("base_model_name_or_path") { translation, value in
        base(value.scalarText ?? "", &translation)
      },
      ImportRule("r") { translation, value in
        guard let rank = value.number.flatMap({ Int(exactly: $0) }) else {
          return .unmappable("\(value.shortText) is no whole number")
        }
        if rank == 0 { return .defaulted("0: the size of blocks counts") }
        translation.set("adapter.r", .integer(rank))
        return .mapped()
      },
      .number("lora_alpha", "adapter.alpha"),
      .number("lora_dropout", "adapter.dropout"),
      ImportRule("target_modules") { translation, value in
        targets(value, "adapter.target_modules", &translation)
      },
      ImportRule("exclude_modules") { translation, value in
        targets(value, "adapter.exclude_modules", &translation)
      },
      ImportRule("modules_to_save", savedModules),
      ImportRule("bias") { translation, value in
        let text = value.scalarText ?? ""
        if text == "none" { return .defaulted("as here") }
        translation.set("adapter.bias", text == "all" ? "all" : "adapted")
        return .mapped()
      },
      ImportRule("rank_pattern") { patterns("rank_pattern", $1, &$0) },
      ImportRule("alpha_pattern") { patterns("alpha_pattern", $1, &$0) },
      ImportRule("layers_to_transform") { translation, value in
        let layers =
          value.number.map { [PlainValue.integer(Int($0))] } ?? value.elements.map(\.plain)
        if layers.isEmpty { return .defaulted("all layers, as here") }
        translation.set("adapter.layers_to_transform", .list(layers))
        let pattern = translation.root["layers_pattern"]
        return .mapped(
          pattern == nil || pattern?.isNull == true || pattern?.texts.isEmpty == true
            ? "PEFT without layers_pattern finds no such block in a timm model; here blocks are "
              + "counted by the backbone" : nil)
      },
      ImportRule("use_rslora") { flag("use_rslora", $1, &$0) },
      ImportRule("use_dora") { flag("use_dora", $1, &$0) },
      ImportRule("init_lora_weights", initialization),
      ImportRule("task_type") { _, value in
        ["CAUSAL_LM", "SEQ_2_SEQ_LM", "QUESTION_ANS", "TOKEN_CLS"].contains(value.scalarText ?? "")
          ? .unmappable("a task of language models") : .defaulted("the recipe names its task")
      },
      .only(
        "fan_in_fan_out", [false], "weights lie as in PyTorch's Linear",
        otherwise: "weights of transposed layers (GPT-2) are not offered"),
    ],
    ImportRule.ignored(
      [
        "inference_mode", "peft_version", "auto_mapping", "revision", "megatron_config",
        "megatron_core", "layers_pattern", "runtime_config",
      ],
      "says how PEFT loads the file, nothing of the result"))

  /// The method's own fields, and what follows from the type's defaults.
  static func settle(_ translation: inout Translation) {
    guard
      let type = (translation.draft["adapter.method"]?.scalarText).flatMap({ method(named: $0) })
    else { return }
    readOptions(of: type, &translation)
    let alphaKey =
      type.options["alpha"]?.aliases.contains("lora_alpha") == true ? "lora_alpha" : "alpha"
    translation.assume(alphaKey, "adapter.alpha", 8, where: type.options["alpha"] != nil)
  }

  // MARK: The method's own fields

  /// Fields that no row of the table took: the method's reader knows them.
  private static func readOptions(
    of type: any AdapterMethod.Type, _ translation: inout Translation
  ) {
    let options = type.options
    let configuration = object(translation.root)
    // What is refused must not hide the rest.
    let taken = configuration.entries.reduce(into: JSONObject()) { object, entry in
      if refusal(type, entry.key, entry.value) == nil { object[entry.key] = entry.value }
    }
    let fields = (try? type.options(taken)) ?? []
    let common = Set(["r", "alpha", "dropout", "use_rslora", "use_dora"])
    for entry in translation.root.entries where !rules.contains(where: { $0.path == entry.key }) {
      let key = entry.key
      guard !entry.value.isNull else { continue }
      if let option = options.option(spelled: key),
        let field = fields.first(where: { $0.key == option.name })
      {
        if common.contains(option.name), translation.draft["adapter.\(option.name)"] != nil {
          continue
        }
        translation.set("adapter.\(option.name)", field.value, for: key)
      } else if let reason = refusal(type, key, JSONValue(entry.value.plain)) {
        translation.refuse(key, reason)
      } else if isUnset(entry.value) || isPlain(key, entry.value) {
        translation.settle(key, .defaulted("PEFT's own value, which is what is done here"))
      }
    }
  }

  /// Whether a field says what every file of PEFT's says unless asked otherwise.
  private static func isPlain(_ key: String, _ value: Located) -> Bool {
    key == "init_weights" && value.flag == true
      || [
        "megatron_core", "eps", "projection_prng_key", "save_projection", "qalora_group_size",
        "random_loc_seed",
      ].contains(key)
  }

  /// Why a file with this field is refused; nil where it is read.
  private static func refusal(
    _ type: any AdapterMethod.Type, _ key: String, _ value: JSONValue
  ) -> String? {
    var single = JSONObject()
    single[key] = value
    do throws(UnsupportedConfiguration) {
      _ = try type.options(single)
      return nil
    } catch {
      return error.reason
    }
  }

  /// `false`, 0 and what is empty.
  private static func isUnset(_ value: Located) -> Bool {
    switch value.value {
    case .boolean(let flag): !flag
    case .integer(let number): number == 0
    case .number(let number): number == 0
    case .text(let text): text.isEmpty
    case .list(let elements): elements.isEmpty
    case .map(let entries): entries.isEmpty
    default: true
    }
  }

  private static func object(_ root: Located) -> JSONObject {
    JSONValue(root.plain).object ?? JSONObject()
  }

  private static func method(of peftType: String?) -> (any AdapterMethod.Type)? {
    Registries.standard.adapterMethods.entries.first { $0.peftType == peftType }
  }

  private static func method(named name: String) -> (any AdapterMethod.Type)? {
    Registries.standard.adapterMethods[name]
  }
}
