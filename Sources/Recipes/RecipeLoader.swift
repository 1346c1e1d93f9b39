import Foundation

/// Reads a recipe file with its base files, overrides and references into one tree.
package struct RecipeLoader: Sendable {
  /// What `${env:NAME}` sees.
  package var environment: [String: String]
  /// Folder of data set cards; `data.card: NAME` is `NAME.yaml` in it.
  package var cardDirectory: String?

  package init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    cardDirectory: String? = nil
  ) {
    self.environment = environment
    self.cardDirectory = cardDirectory
  }

  /// Loads a recipe file.
  ///
  /// Errors inside the recipe are left in `diagnostics`, so that components can add theirs; call
  /// `throwErrors` when all have been asked.
  ///
  /// - Throws: `RecipeError`, where the file cannot be read as a tree at all.
  package func load(
    file: String, overrides: [Override] = [], _ diagnostics: Diagnostics
  ) throws(RecipeError) -> Recipe {
    let text = try Self.text(of: file)
    return try load(
      text: text, source: file, directory: FilePath.directory(of: file), overrides: overrides,
      diagnostics)
  }

  /// Loads a recipe from its text; `source` names it in messages.
  package func load(
    text: String, source: String, directory: String = FilePath.current,
    overrides: [Override] = [], _ diagnostics: Diagnostics
  ) throws(RecipeError) -> Recipe {
    diagnostics.knownPaths = RecipeTable.knownPaths
    let identity = FilePath.absolute((source as NSString).lastPathComponent, relativeTo: directory)
    guard
      let file = document(
        text, source: source, directory: directory, trail: [identity], diagnostics)
    else { throw RecipeError(diagnostics) }
    var root = overrides.reduce(file) { $1.applied(to: $0, diagnostics) }
    var interpolation = Interpolation(
      root: root, environment: environment, diagnostics: diagnostics)
    root = interpolation.resolved()
    root = RecipeTable.sourcesCompleted(root)
    guard let completed = withCards(root, diagnostics) else { throw RecipeError(diagnostics) }
    root = completed
    root = RecipeTable.fieldsMovedIn(root, diagnostics)
    return Recipe(root, diagnostics)
  }

  /// One file over its bases, or nil with the error recorded.
  func document(
    _ text: String, source: String, directory: String, trail: [String], _ diagnostics: Diagnostics
  ) -> Located? {
    guard
      let tree = YAMLReader.read(
        text, source: source, directory: directory, diagnostics: diagnostics)
    else { return nil }
    guard case .map = tree.value else {
      diagnostics.error(
        .wrongType(expected: "a map of sections", found: tree.found, hint: nil), at: tree)
      return nil
    }
    let own = RecipeTable.canonicalized(tree.removing("base"), diagnostics)
    guard let base = tree["base"] else { return own }
    var merged: Located?
    for name in base.asText == nil ? base.elements : [base] {
      guard let file = name.asText else {
        diagnostics.error(
          .wrongType(expected: "a file name", found: name.found, hint: nil), at: name)
        continue
      }
      guard let layer = baseDocument(file, named: name, of: source, trail: trail, diagnostics)
      else { continue }
      merged = merged.map { layer.merged(over: $0) } ?? layer
    }
    if base.asText == nil, base.elements.isEmpty {
      diagnostics.error(
        .wrongType(expected: "a file name or a list of them", found: base.found, hint: nil),
        at: base)
    }
    return merged.map { own.merged(over: $0) } ?? own
  }

  private func baseDocument(
    _ file: String, named value: Located, of source: String, trail: [String],
    _ diagnostics: Diagnostics
  ) -> Located? {
    let path = FilePath.absolute(file, relativeTo: value.location.directory)
    let folder = (source as NSString).deletingLastPathComponent
    let shown = file.hasPrefix("/") || folder.isEmpty ? file : "\(folder)/\(file)"
    guard !trail.contains(path) else {
      let names = (trail + [path]).map { ($0 as NSString).lastPathComponent }
      diagnostics.error(.baseCycle(names), at: value)
      return nil
    }
    do {
      let text = try Self.text(of: path)
      return document(
        text, source: shown, directory: FilePath.directory(of: path), trail: trail + [path],
        diagnostics)
    } catch RecipeError.fileMissing {
      diagnostics.error(.baseMissing(shown), at: value)
    } catch {
      diagnostics.error(.baseUnreadable(shown, reason: "\(error)"), at: value)
    }
    return nil
  }

  static func text(of path: String) throws(RecipeError) -> String {
    guard FileManager.default.fileExists(atPath: path) else {
      throw .fileMissing(path: path)
    }
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw .fileUnreadable(path: path, reason: error.localizedDescription)
    }
  }
}
