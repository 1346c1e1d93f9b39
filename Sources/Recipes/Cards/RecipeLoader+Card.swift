import Foundation

extension RecipeLoader {
  /// The recipe with every data section laid over its card, and a note of the card in its place.
  ///
  /// Sources must have the fields beside them already. Nil where a card cannot be read, with the error
  /// recorded: what the recipe lacks then is not its fault.
  func withCards(_ root: Located, _ diagnostics: Diagnostics) -> Located? {
    guard let data = root["data"] else { return root }
    guard let sources = data["sources"] else {
      guard let reference = Self.reference(in: data) else { return root }
      guard let card = card(reference, diagnostics) else { return nil }
      let inputs = card.data?["inputs"]?.entries.map(\.key) ?? []
      let moved = RecipeTable.fieldsMovedIn(
        root, standard: inputs.count == 1 ? inputs[0] : nil, diagnostics)
      let section = moved["data"] ?? data
      return moved.adding("data", section.completed(by: card), at: data.location)
    }
    guard case .list(let elements) = sources.value else { return root }
    let completed = elements.map { source in
      guard let reference = Self.reference(in: source) else { return source as Located? }
      return card(reference, diagnostics).map { source.completed(by: $0) }
    }
    guard !completed.contains(where: { $0 == nil }) else { return nil }
    let list = sources.replacing(.list(completed.compactMap { $0 }))
    return root.adding(
      "data", data.adding("sources", list, at: sources.location), at: data.location)
  }

  /// The name of a section's card; nil where it names none or has the note of one.
  private static func reference(in section: Located) -> Located? {
    section["card"].flatMap { $0.asText == nil ? nil : $0 }
  }

  /// The card that a recipe names, or nil with the error recorded.
  private func card(_ reference: Located, _ diagnostics: Diagnostics) -> DataCard? {
    let name = reference.asText ?? ""
    let isFile = Self.isCardFile(name)
    guard let folder = isFile ? reference.location.directory : cardDirectory else {
      diagnostics.error(
        .rule("no folder of data set cards is known", mend: "give the card as a file"),
        at: reference)
      return nil
    }
    let path = FilePath.absolute(isFile ? name : name + ".yaml", relativeTo: folder)
    if !isFile, !FileManager.default.fileExists(atPath: path) {
      diagnostics.error(
        .unknownName(kind: "data set card", name: name, known: Self.cardNames(in: folder)),
        at: reference)
      return nil
    }
    do {
      // Errors keep their places in the card; what it resolved is not the recipe's.
      let inCard = Diagnostics()
      let card = DataCard.read(try Self.text(of: path), source: path, inCard)
      for error in inCard.errors {
        diagnostics.error(error.problem, at: error.location, path: error.path)
      }
      return card
    } catch {
      diagnostics.error(.rule("\(error)", mend: "change data.card"), at: reference)
      return nil
    }
  }

  /// Whether a reference is a file, not a name.
  package static func isCardFile(_ reference: String) -> Bool {
    reference.contains("/") || reference.hasSuffix(".yaml")
  }

  /// Names of the cards in a folder, sorted.
  package static func cardNames(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }
}

extension Located {
  /// A data section over its card, with the card's note.
  fileprivate func completed(by card: DataCard) -> Located {
    let place = self["card"]?.location ?? location
    let note = Located(
      plain: .map([
        .init("name", .text(card.note.name)), .init("license", .text(card.note.license)),
        .init("sha256", .text(card.note.sha256)),
      ]), at: place)
    return (card.data.map { completed(by: $0) } ?? self).adding("card", note, at: place)
  }
}
