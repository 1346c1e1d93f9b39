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
}

extension Option {
  /// The sentence with range and unit.
  package var meaning: String {
    let limits = [range?.description, unit].compactMap { $0 }.joined(separator: ", ")
    return limits.isEmpty ? sentence : "\(sentence) (\(limits))"
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
