import Recipes

/// Modules, patterns and bases as PEFT and the programs around it name them.
extension PEFTFormat {
  /// Sets the modules of a list, a regular expression or `all-linear`.
  static func targets(
    _ value: Located, _ field: String, _ translation: inout Translation
  ) -> ImportOutcome {
    if let text = value.scalarText {
      if text.lowercased() == "all-linear" || text == "all_linear" {
        translation.set(field, ["all-linear"])
        return .mapped("the head is not among them: it is trained in full")
      }
      translation.set(field, .list([.text("re:" + text)]))
      return .mapped("a regular expression for the whole path")
    }
    let found = PeerModules.translated(value.texts)
    guard !found.patterns.isEmpty else {
      return value.texts.isEmpty
        ? .defaulted("empty") : .unmappable("a vision transformer has no such layers")
    }
    translation.set(field, .list(found.patterns.map(PlainValue.text)))
    guard found.unknown.isEmpty else {
      return .unmappable(
        "a vision transformer has no \(found.unknown.joined(separator: ", ")); the other layers are "
          + found.patterns.joined(separator: ", "))
    }
    return .mapped()
  }

  /// Sets what is trained in full; the task's head is in any case.
  static func savedModules(_ translation: inout Translation, _ value: Located) -> ImportOutcome {
    let heads: Set<String> = ["head", "classifier", "score", "fc", "decode_head", "decoder"]
    let kept = value.texts.filter { !heads.contains($0) }
    let words = ["embed_tokens", "lm_head"].filter(kept.contains)
    guard words.isEmpty else {
      return .unmappable("\(words.joined(separator: ", ")) belong to language models")
    }
    guard !kept.isEmpty else { return .defaulted("the task's head is always trained and saved") }
    translation.set("adapter.modules_to_save", .list(kept.map(PlainValue.text)))
    return .mapped(
      kept.count < value.texts.count ? "the task's head is always trained and saved" : nil)
  }

  /// Sets ranks or scalings by module; PEFT's keys are regular expressions for the end of a path.
  static func patterns(
    _ field: String, _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    guard !value.entries.isEmpty else { return .defaulted("empty") }
    let fields = value.entries.flatMap { entry -> [PlainValue.Field] in
      let isPlain = entry.key.allSatisfy { $0.isLetter || $0.isNumber || "._".contains($0) }
      let names = isPlain ? PeerModules.translated([entry.key]).patterns : []
      return (names.isEmpty ? ["re:(.*\\.)?(\(entry.key))"] : names).map {
        PlainValue.Field($0, entry.value.plain)
      }
    }
    translation.set("adapter.\(field)", .map(fields))
    return .mapped()
  }

  static func flag(
    _ field: String, _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    guard value.flag == true else { return .defaulted("off, as here") }
    translation.set("adapter.\(field)", true)
    return .mapped()
  }

  /// Sets how the first values are found.
  static func initialization(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    if value.flag == true { return .defaulted("A random and B zero, as here") }
    if value.flag == false {
      return .unmappable("both factors random at first, which is not offered")
    }
    let name = value.scalarText ?? ""
    guard Registries.standard.adapterInitializations.names.contains(name) else {
      return .unmappable(
        "init \(name) is not offered; choose one of "
          + Registries.standard.adapterInitializations.names.joined(separator: ", "))
    }
    translation.set("adapter.init", .text(name))
    return .mapped()
  }

  /// Sets the backbone by the name of its weights, which are not downloaded.
  static func base(_ text: String, _ translation: inout Translation) -> ImportOutcome {
    guard let model = PeerTraining.visionTransformer(text) else {
      if text.isEmpty { return .defaulted("empty") }
      return .unmappable("base model \(text) is none of the backbones that Attune has")
    }
    translation.set("model.backbone", ["name": "vit", "model": .text(model)])
    translation.draft.placeholder(
      "model.weights", .text(RecipeDraft.mark + "/\(model).safetensors"),
      "a file with the weights of \(text)")
    return .mapped("weights are a file here; nothing is downloaded")
  }
}
