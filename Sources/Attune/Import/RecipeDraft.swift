import Recipes

/// A field of a recipe that its user must still give, or look at.
package struct RecipePlaceholder: Codable, Sendable, Equatable {
  package var field: String
  package var reason: String
}

/// A recipe in the making: fields by dotted path, with comments for who reads it.
///
/// What a source does not say is a placeholder: a value of the right form under a comment that says
/// so, and listed.
struct RecipeDraft: Sendable {
  /// Begins every value that stands for a path.
  static let mark = "FILL_IN"

  private(set) var value = PlainValue.map([])
  private(set) var placeholders: [RecipePlaceholder] = []
  /// Lines above a field, by its dotted path.
  private(set) var comments: [String: String] = [:]

  /// The value of a field.
  subscript(_ field: String) -> PlainValue? {
    (DottedPath.keys(of: field) ?? []).reduce(value as PlainValue?) { $0?[$1] }
  }

  /// Sets a field; maps above it are made, a component written as its name becomes a map.
  mutating func set(_ field: String, _ new: PlainValue) {
    guard let keys = DottedPath.keys(of: field) else {
      preconditionFailure("\(field) is no dotted path")
    }
    value = value.setting(keys[...], to: new)
  }

  /// Sets a field that nothing else gave.
  mutating func setIfAbsent(_ field: String, _ new: PlainValue) {
    if self[field] == nil { set(field, new) }
  }

  mutating func remove(_ field: String) {
    value = value.removing((DottedPath.keys(of: field) ?? [])[...])
  }

  mutating func comment(_ field: String, _ text: String) { comments[field] = text }

  mutating func uncomment(_ field: String) { comments[field] = nil }

  /// Notes something that its source does not say, above a field that has a value.
  mutating func unknown(_ field: String, _ reason: String) {
    placeholders.append(RecipePlaceholder(field: field, reason: reason))
    comments[field] = "NOT KNOWN FROM THE DATA: \(reason)"
  }

  /// Sets a field that the source does not state, and says so.
  mutating func placeholder(_ field: String, _ new: PlainValue, _ reason: String) {
    guard self[field] == nil else { return }
    set(field, new)
    placeholders.append(RecipePlaceholder(field: field, reason: reason))
    comments[field] = "PLACEHOLDER: \(reason)"
  }

  /// Fills what every recipe must say.
  mutating func complete(name: String) {
    set("version", 1)
    setIfAbsent("name", .text(Self.folderName(name)))
    placeholder("task", "classification", "the task, see `attune list tasks`")
    placeholder("model.backbone", "vit", "the backbone, see `attune list models`")
    placeholder("model.weights", .text(Self.mark + "/weights.safetensors"), "a file, or none")
    nameComponents()
    placeholder(
      "data.format", "image-folder", "the layout of the files, see `attune list datasets`")
    placeholder("data.root", .text(Self.mark + "/data"), "the folder of the data")
    placeholder(
      "data.split", ["method": "random", "fractions": [0.7, 0.15, 0.15]],
      "which samples train, validate and test")
    placeholder("train.optimizer.name", "adamw", "the update rule")
    placeholder("train.optimizer.lr", 1e-4, "the learning rate")
    if self["train.epochs"] == nil, self["train.max_steps"] == nil {
      placeholder("train.epochs", 10, "how long to train; or max_steps")
    }
    addTarget()
  }

  /// Names for components that have options alone.
  private mutating func nameComponents() {
    for (field, key, name) in [
      ("model.backbone", "name", "vit"), ("model.decoder", "name", "upernet"),
      ("model.neck", "name", "learned"), ("adapter", "method", "lora"),
      ("train.lr_scheduler", "name", "constant"),
    ] {
      guard case .map = self[field] else { continue }
      placeholder("\(field).\(key)", .text(name), "the component that these options are of")
    }
  }

  /// Files of the target, for tasks that need some.
  private mutating func addTarget() {
    guard self["data.target.path"] == nil, self["data.target.component"] == nil else { return }
    switch self["task"]?.scalarText ?? "" {
    case "segmentation", "pixel-regression", "restoration":
      placeholder("data.target.path", .text(Self.mark + "/*.png"), "the target's rasters")
    case "multilabel", "regression", "proportions":
      placeholder(
        "data.target.path", .text(Self.mark + ".csv"), "a table with a row for each sample")
    default: break
    }
  }

  /// The recipe as YAML under a head of comment lines, sections in the order of the reference.
  func yaml(head: [String]) -> String {
    head.map { $0.isEmpty ? "#\n" : "# \($0)\n" }.joined()
      + YAMLWriter.text(of: value.ordered(by: RecipeTable.single), comments: comments)
  }

  /// Letters, digits and `. _ + -`, beginning with one of the first two or `_`.
  static func folderName(_ text: String) -> String {
    let allowed = text.map { character in
      character.isASCII && (character.isLetter || character.isNumber || "._+-".contains(character))
        ? character : "-"
    }
    let trimmed = String(String(allowed).drop { !$0.isLetter && !$0.isNumber && $0 != "_" })
    return trimmed.isEmpty ? "recipe" : trimmed
  }
}

extension PlainValue {
  fileprivate func setting(_ keys: ArraySlice<String>, to new: PlainValue) -> PlainValue {
    guard let key = keys.first else { return new }
    var fields: [Field]
    switch self {
    case .map(let own): fields = own
    case .text: fields = [Field("name", self)]
    default: fields = []
    }
    if let place = fields.firstIndex(where: { $0.key == key }) {
      fields[place].value = fields[place].value.setting(keys.dropFirst(), to: new)
    } else {
      fields.append(Field(key, PlainValue.map([]).setting(keys.dropFirst(), to: new)))
    }
    return .map(fields)
  }

  fileprivate func removing(_ keys: ArraySlice<String>) -> PlainValue {
    guard case .map(let fields) = self, let key = keys.first else { return self }
    return .map(
      fields.compactMap { field in
        guard field.key == key else { return field }
        return keys.count == 1 ? nil : Field(key, field.value.removing(keys.dropFirst()))
      })
  }

  /// Fields in the order of a table, others after them; sections below likewise.
  fileprivate func ordered(by table: OptionTable) -> PlainValue {
    guard case .map(let fields) = self else { return self }
    let known = table.options.compactMap { option -> Field? in
      guard let field = fields.first(where: { $0.key == option.name }) else { return nil }
      guard case .table(let inner, _) = option.type else { return field }
      return Field(field.key, field.value.ordered(by: inner))
    }
    let names = Set(known.map(\.key))
    return .map(known + fields.filter { !names.contains($0.key) })
  }
}
