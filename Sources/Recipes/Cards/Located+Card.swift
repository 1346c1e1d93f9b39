extension Located {
  /// A recipe's `data` (or one of its sources) laid over a card's.
  ///
  /// What the recipe gives wins, field by field of each input and of the target. Beyond that:
  /// inputs that the recipe names are all inputs of the run; a format or split method of another name,
  /// or a target of another component or column, is not mixed with the card's.
  func completed(by card: Located) -> Located {
    card.entries.reduce(self) { section, entry in
      guard let own = section[entry.key] else {
        return section.adding(entry.key, entry.value, at: entry.keyLocation)
      }
      let completed =
        switch entry.key {
        case "format": own.component(completedBy: entry.value, key: "name")
        case "split": own.component(completedBy: entry.value, key: "method")
        case "inputs": own.inputs(completedBy: entry.value)
        case "target": own.target(completedBy: entry.value)
        case "patch": own.fields(completedBy: entry.value)
        default: own
        }
      return section.adding(
        entry.key, completed, at: section.entry(at: [entry.key])?.key ?? own.location)
    }
  }

  /// Fields of the card that this map lacks, added to it.
  private func fields(completedBy card: Located) -> Located {
    guard case .map = value, case .map = card.value else { return self }
    return card.entries.reduce(self) { map, entry in
      map[entry.key] == nil ? map.adding(entry.key, entry.value, at: entry.keyLocation) : map
    }
  }

  private func component(completedBy card: Located, key: String) -> Located {
    let (own, other) = (asComponent(key), card.asComponent(key))
    let isOther = own[key].map { $0.asText != other[key]?.asText } ?? false
    return isOther ? self : own.fields(completedBy: other)
  }

  private func inputs(completedBy card: Located) -> Located {
    guard case .map(let entries) = value else { return self }
    return replacing(
      .map(
        entries.map { entry in
          var entry = entry
          guard let input = card[entry.key] else { return entry }
          if entry.value.isNull { entry.value = entry.value.replacing(.map([])) }
          entry.value = entry.value.fields(completedBy: input)
          return entry
        }))
  }

  private func target(completedBy card: Located) -> Located {
    let isOther = ["component", "column"].contains { key in
      self[key].map { $0.asText != card[key]?.asText } ?? false
    }
    return isOther ? self : fields(completedBy: card)
  }

  /// A component written as its name, as a map.
  private func asComponent(_ key: String) -> Located {
    guard case .text(let name) = value else { return self }
    return replacing(.map([])).adding(key, Located(.text(name), at: location), at: location)
  }
}
