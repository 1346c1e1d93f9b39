/// The JSON Schema (2020-12) of recipes, from option tables and the components that they name.
///
/// Every registered name has its own options: a map under that name takes no others. Parts that occur
/// in several places stand once, under `$defs`. A text with `${…}` may stand for any scalar.
package struct JSONSchema: Sendable {
  /// A registered component.
  package struct Component: Sendable {
    package let name: String
    package let aliases: [String]
    package let summary: String
    package let options: OptionTable

    package init(_ type: any RegistryEntry.Type) {
      self.init(
        name: type.name, aliases: type.aliases, summary: type.summary, options: type.options)
    }

    package init(
      name: String, aliases: [String] = [], summary: String, options: OptionTable
    ) {
      (self.name, self.aliases) = (name, aliases)
      (self.summary, self.options) = (summary, options)
    }
  }

  /// Components by the kind that option types name; kinds that are not listed stay open.
  private let components: [String: [Component]]
  /// Names by kind for what has no options, as `metric`.
  private let names: [String: [String]]
  private let allowsReferences: Bool

  package init(
    components: [String: [Component]] = [:], names: [String: [String]] = [:],
    allowsReferences: Bool = false
  ) {
    self.components = components
    self.names = names
    self.allowsReferences = allowsReferences
  }

  /// The schema of a whole recipe.
  ///
  /// A recipe with `base` is checked by its top-level keys alone: what it lacks stands in its base.
  package func recipe() -> PlainValue {
    let (single, multiple) = (
      RecipeTable.single.adding(Self.base), RecipeTable.sourcesForm.adding(Self.base)
    )
    let defs = PlainValue.map(
      [.init("reference", ["type": "string", "pattern": "\\$\\{.+\\}"])]
        + components.keys.sorted().map { .init($0, definition(of: $0)) })
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Attune recipe",
      "type": "object",
      "if": ["required": ["base"]],
      "then": ["propertyNames": ["enum": .list(single.names.map(PlainValue.text))]],
      "else": [
        "if": ["properties": ["data": ["required": ["sources"]]]],
        "then": map(of: multiple), "else": map(of: single),
      ],
      "$defs": defs,
    ]
  }

  private static let base: OptionTable = [
    Option(
      "base", .either([.text, .list(.text)]), default: .absent, "recipes that this one changes")
  ]

  // MARK: Maps

  /// A map with the fields of a table, by their names and other spellings.
  package func map(of table: OptionTable, isOpen: Bool = false) -> PlainValue {
    var fields: [PlainValue.Field] = [
      .init("type", "object"), .init("properties", .map(properties(of: table))),
    ]
    fields += required(of: table)
    return .map(fields + [.init("additionalProperties", .boolean(isOpen))])
  }

  /// Fields that must be there, under their name or another spelling.
  private func required(of table: OptionTable) -> [PlainValue.Field] {
    let all = table.options.filter { if case .required = $0.standard { true } else { false } }
    let spelled = allowsReferences ? all.filter { !$0.aliases.isEmpty } : []
    let plain = all.filter { option in !spelled.contains { $0.name == option.name } }
    let names = plain.map { PlainValue.text($0.name) }
    let choices = spelled.map { option -> PlainValue in
      let spellings = [option.name] + option.aliases
      return ["anyOf": .list(spellings.map { ["required": .list([.text($0)])] })]
    }
    return (names.isEmpty ? [] : [.init("required", .list(names))])
      + (choices.isEmpty ? [] : [.init("allOf", .list(choices))])
  }

  private func properties(of table: OptionTable) -> [PlainValue.Field] {
    table.options.flatMap { option -> [PlainValue.Field] in
      let own = PlainValue.Field(option.name, schema(of: option))
      guard allowsReferences else { return [own] }
      return [own]
        + option.aliases.map { alias in
          guard case .map(let fields) = schema(of: option, isDescribed: false) else { return own }
          return .init(
            alias, .map(fields + [.init("description", .text("same as \(option.name)"))]))
        }
    }
  }

  private func schema(of option: Option, isDescribed: Bool = true) -> PlainValue {
    guard case .map(var fields) = schema(of: option.type, option.range) else { return [:] }
    guard isDescribed else { return .map(fields) }
    fields.append(.init("description", .text(option.meaning)))
    if case .value(let value) = option.standard { fields.append(.init("default", value)) }
    return .map(fields)
  }

  // MARK: Types

  private func schema(of type: OptionType, _ range: OptionRange?) -> PlainValue {
    switch type {
    case .integer: scalar(.map([.init("type", "integer")] + (range?.jsonFields ?? [])))
    case .number: scalar(.map([.init("type", "number")] + (range?.jsonFields ?? [])))
    case .boolean: scalar(["type": "boolean"])
    case .text, .path: ["type": "string"]
    case .name(let kind):
      names[kind].map { ["enum": .list($0.map(PlainValue.text))] } ?? ["type": "string"]
    case .pattern: ["type": "string", "minLength": 1]
    case .oneOf(let names):
      scalar(["enum": .list(names.map { Bool($0).map(PlainValue.boolean) ?? .text($0) })])
    case .component(let kind, let key, let beside):
      components[kind] == nil
        ? open(kind, key, beside) : ["$ref": .text("#/$defs/" + kind.replacing(" ", with: "%20"))]
    case .list(let element, let count):
      .map(
        [.init("type", "array"), .init("items", schema(of: element, range))]
          + (count.map {
            [
              .init("minItems", .integer($0.lowerBound)),
              .init("maxItems", .integer($0.upperBound)),
            ]
          } ?? []))
    case .map(let value): ["type": "object", "additionalProperties": schema(of: value, range)]
    case .table(let table, let rest): map(of: table, isOpen: rest != nil)
    case .interval:
      scalar([
        "anyOf": [
          ["type": "integer", "minimum": 1],
          ["type": "string", "pattern": "^[1-9][0-9]* epochs?$"],
        ]
      ])
    case .either(let types): ["anyOf": .list(types.map { schema(of: $0, range) })]
    case .any: [:]
    }
  }

  /// A scalar, or a text that a reference makes one of.
  private func scalar(_ schema: PlainValue) -> PlainValue {
    allowsReferences ? ["anyOf": [schema, ["$ref": "#/$defs/reference"]]] : schema
  }

  /// A component of a kind whose names are not listed.
  private func open(_ kind: String, _ key: String, _ beside: OptionTable) -> PlainValue {
    let table = OptionTable([Option(key, .name(of: kind), default: .required, kind)])
    return ["anyOf": [["type": "string"], map(of: table.adding(beside), isOpen: true)]]
  }

  // MARK: Components

  /// A name, or a map of a name and the options that are its own.
  private func definition(of kind: String) -> PlainValue {
    let entries = components[kind] ?? []
    let (key, beside) = RecipeTable.component(of: kind) ?? ("name", [])
    let known = entries.flatMap { [$0.name] + $0.aliases }
    let shared = OptionTable(beside.options.filter { !$0.isForwarded })
    let choice = PlainValue.Field(key, ["enum": .list(known.map(PlainValue.text))])
    let own = entries.map { entry -> PlainValue in
      let spellings = PlainValue.list(([entry.name] + entry.aliases).map(PlainValue.text))
      return [
        "if": .map([
          .init("properties", .map([.init(key, ["enum": spellings])])),
          .init("required", .list([.text(key)])),
        ]),
        "then": .map(
          [
            .init("description", .text(entry.summary)),
            .init("properties", .map(properties(of: entry.options))),
          ]
            + required(of: entry.options)),
      ]
    }
    let needsNoOptions = entries.filter { entry in
      !entry.options.options.contains { if case .required = $0.standard { true } else { false } }
    }.flatMap { [$0.name] + $0.aliases }
    return [
      "anyOf": [
        ["enum": .list(needsNoOptions.map(PlainValue.text))],
        .map([
          .init("type", "object"), .init("required", .list([.text(key)])),
          .init("properties", .map([choice] + properties(of: shared))),
          .init("allOf", .list(own)), .init("unevaluatedProperties", false),
        ]),
      ]
    ]
  }
}

extension OptionTable {
  /// The JSON Schema of a map with these fields, components left open.
  ///
  /// - Parameter isOpen: Whether other keys are allowed.
  /// - Returns: The schema as a value; `json` writes it.
  package func jsonSchema(isOpen: Bool = false) -> PlainValue {
    JSONSchema().map(of: self, isOpen: isOpen)
  }
}

extension OptionRange {
  fileprivate var jsonFields: [PlainValue.Field] {
    var fields: [PlainValue.Field] = []
    if lower.isFinite {
      fields.append(.init(includesLower ? "minimum" : "exclusiveMinimum", .number(lower)))
    }
    if upper.isFinite {
      fields.append(.init(includesUpper ? "maximum" : "exclusiveMaximum", .number(upper)))
    }
    return fields
  }
}
