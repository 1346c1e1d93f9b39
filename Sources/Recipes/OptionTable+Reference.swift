extension OptionTable {
  /// Rows of the field reference: name, type, default, meaning with range and unit, other spellings.
  package var markdownRows: [String] {
    options.map { option in
      let cells = [
        "`\(option.name)`", option.type.label, option.standard.label, option.meaning,
        option.aliases.map { "`\($0)`" }.joined(separator: ", "),
      ]
      return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
  }

  /// The JSON Schema of a map with these fields.
  ///
  /// - Parameter isOpen: Whether other keys are allowed.
  /// - Returns: The schema as a value; `json` writes it.
  package func jsonSchema(isOpen: Bool = false) -> PlainValue {
    let required = options.filter { if case .required = $0.standard { true } else { false } }
    var fields: [PlainValue.Field] = [
      .init("type", "object"),
      .init("properties", .map(options.map { .init($0.name, $0.jsonSchema) })),
    ]
    if !required.isEmpty {
      fields.append(.init("required", .list(required.map { .text($0.name) })))
    }
    return .map(fields + [.init("additionalProperties", .boolean(isOpen))])
  }
}

extension Option {
  /// The sentence with range and unit.
  package var meaning: String {
    let limits = [range?.description, unit].compactMap { $0 }.joined(separator: ", ")
    return limits.isEmpty ? sentence : "\(sentence) (\(limits))"
  }

  fileprivate var jsonSchema: PlainValue {
    guard case .map(var fields) = type.jsonSchema(range: range) else { return [:] }
    fields.append(.init("description", .text(meaning)))
    if case .value(let value) = standard { fields.append(.init("default", value)) }
    return .map(fields)
  }
}

extension OptionDefault {
  /// What the field reference says of it: a value, `required`, a dash, or where it comes from.
  package var label: String {
    switch self {
    case .required: "required"
    case .absent: "—"
    case .described(let text): text
    case .value(let value): "`\(value.json)`"
    }
  }
}

extension OptionType {
  fileprivate func jsonSchema(range: OptionRange?) -> PlainValue {
    switch self {
    case .integer: .map([.init("type", "integer")] + (range?.jsonFields ?? []))
    case .number: .map([.init("type", "number")] + (range?.jsonFields ?? []))
    case .boolean: ["type": "boolean"]
    case .text, .path, .name: ["type": "string"]
    case .pattern: ["type": "string", "minLength": 1]
    case .oneOf(let names):
      ["enum": .list(names.map { Bool($0).map(PlainValue.boolean) ?? .text($0) })]
    case .component(let kind, let key, let beside):
      [
        "anyOf": [
          ["type": "string"],
          OptionTable([Option(key, .name(of: kind), default: .required, kind)])
            .adding(beside).jsonSchema(isOpen: true),
        ]
      ]
    case .list(let element, let count):
      .map(
        [.init("type", "array"), .init("items", element.jsonSchema(range: range))]
          + (count.map {
            [
              .init("minItems", .integer($0.lowerBound)),
              .init("maxItems", .integer($0.upperBound)),
            ]
          } ?? []))
    case .map(let value):
      ["type": "object", "additionalProperties": value.jsonSchema(range: range)]
    case .table(let table, let rest): table.jsonSchema(isOpen: rest != nil)
    case .interval:
      [
        "anyOf": [
          ["type": "integer", "minimum": 1],
          ["type": "string", "pattern": "^[1-9][0-9]* epochs?$"],
        ]
      ]
    case .either(let types): ["anyOf": .list(types.map { $0.jsonSchema(range: range) })]
    case .any: [:]
    }
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
