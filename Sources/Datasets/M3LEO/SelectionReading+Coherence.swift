import Recipes

extension SelectionReading {
  /// Seasons as the reference's loader takes them where none is named.
  private static let standardSeasons = ["summer", "winter", "fall", "spring"]

  /// Variables in the order asked for; labels of the first axis slowest.
  func coherence() -> [Channel] {
    let names = variables ?? Kind.gssicVariables.map(\.name)
    let chosen = names.compactMap { name in Kind.gssicVariables.first { $0.name == name } }
    let select = reader.optionalTable("select")
    var labels = Kind.gssicLabels
    labels["season"] = Self.standardSeasons
    for dimension in Kind.gssicLabels.keys.sorted() {
      guard let select, select.isGiven(dimension), let value = select.value(dimension) else {
        continue
      }
      let part = SelectionReading(
        component: component, reader: select, variable: nil, path: select.path,
        diagnostics: diagnostics)
      let texts = part.texts(dimension) ?? []
      let known = Kind.gssicLabels[dimension] ?? []
      for text in texts where !known.contains(text) {
        diagnostics.error(
          .unknownName(kind: "label of \(dimension)", name: text, known: known), at: value)
      }
      if !chosen.contains(where: { $0.dimensions.contains(dimension) }) {
        part.refuse(
          dimension, "\(names.joined(separator: ", ")) has no axis \(dimension)",
          mend: "remove it, or choose other variables")
      }
      labels[dimension] = texts
    }
    return chosen.flatMap { variable in
      Kind.combinations(variable.dimensions.map { labels[$0] ?? [] }).map {
        Channel(Term(layer: ([variable.name] + $0).joined(separator: "_")))
      }
    }
  }
}
