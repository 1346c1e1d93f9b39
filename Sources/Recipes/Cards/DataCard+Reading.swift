import Foundation

extension DataCard {
  /// Reads a card file.
  ///
  /// - Throws: `RecipeError`: `.fileMissing`, `.fileUnreadable`, or `.invalid` with all that is wrong.
  package init(file path: String) throws(RecipeError) {
    let diagnostics = Diagnostics()
    let card = Self.read(try RecipeLoader.text(of: path), source: path, diagnostics)
    try diagnostics.throwErrors()
    guard let card else { throw RecipeError(diagnostics) }
    self = card
  }

  /// Reads a card's text; nil where an error was left in `diagnostics`.
  ///
  /// - Parameters:
  ///   - text: The card.
  ///   - source: Its path, as messages show it.
  ///   - diagnostics: Takes the errors.
  /// - Returns: The card.
  package static func read(
    _ text: String, source: String, _ diagnostics: Diagnostics
  ) -> DataCard? {
    guard
      let root = YAMLReader.read(
        text, source: source, directory: FilePath.directory(of: source), diagnostics: diagnostics)
    else { return nil }
    let reader = OptionReader(root, table, diagnostics)
    if let version = reader.value("card"), reader.int("card") != Self.version {
      diagnostics.error(
        .rule(
          "cards of form \(reader.int("card")) are not known to this program",
          mend: "write card: \(Self.version), or use a newer program"), at: version)
    }
    let fileName = ((source as NSString).lastPathComponent as NSString).deletingPathExtension
    if let name = reader.value("name"), reader.text("name") != fileName {
      diagnostics.error(
        .rule("the file is called \(fileName)", mend: "give both one name"), at: name)
    }
    let license = reader.optionalTable("license")
    let card = DataCard(
      name: reader.text("name"), title: reader.text("title"), summary: reader.text("summary"),
      tasks: reader.texts("tasks"),
      license: License(
        text: license?.text("text") ?? "", address: license?.optionalText("url")),
      citation: reader.optionalText("citation"), homepage: reader.optionalText("homepage"),
      size: reader.optionalText("size"), layout: reader.optionalText("layout"),
      data: canonicalData(of: root),
      statistics: reader.tables("statistics").map { Statistics($0, diagnostics) },
      files: reader.tables("files").map { File($0, diagnostics) },
      terms: reader.optionalTable("terms").map {
        Terms(
          text: $0.text("text"), address: $0.optionalText("url"), placement: $0.text("place"))
      },
      notes: reader.texts("notes"), sha256: SHA256Digest.of(text))
    card.check(reader, diagnostics)
    return diagnostics.hasErrors ? nil : card
  }

  /// `data` with a recipe's own keys in the place of aliases.
  private static func canonicalData(of root: Located) -> Located? {
    guard let data = root["data"] else { return nil }
    let section = Located(.map([]), at: root.location).adding("data", data, at: data.location)
    return RecipeTable.canonicalized(section, Diagnostics())["data"]
  }

  private func check(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    var seen: Set<String> = []
    for (file, place) in zip(files, reader.tables("files")) {
      if !seen.insert(file.path).inserted {
        diagnostics.error(
          .rule("two files are called \(file.path)", mend: "give each its own path"),
          at: place.location, path: place.path)
      }
      if file.address == nil, terms == nil {
        diagnostics.error(
          .rule(
            "\(file.path) has no address", mend: "give url, or terms that say how it is had"),
          at: place.location, path: place.path)
      }
    }
  }
}

extension DataCard.Statistics {
  fileprivate init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    input = reader.text("input")
    channels = reader.texts("channels")
    means = reader.numbers("means")
    standardDeviations = reader.numbers("stds")
    unit = reader.optionalText("unit")
    source = reader.text("source")
    for (field, count) in [("means", means.count), ("stds", standardDeviations.count)]
    where count != channels.count {
      diagnostics.error(
        .wrongCount(expected: channels.count...channels.count, found: count),
        at: reader.value(field)?.location ?? reader.location,
        path: DottedPath.joining(reader.path, field))
    }
  }
}

extension DataCard.File {
  fileprivate init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    path = reader.text("path")
    address = reader.optionalText("url")
    bytes = reader.optionalInt("bytes")
    isUnpacked = reader.optionalText("unpack") != nil
    var digests: [FileDigest] = []
    for algorithm in FileDigest.Algorithm.allCases {
      guard let value = reader.value(algorithm.rawValue), let text = value.asText else { continue }
      if let digest = FileDigest(algorithm, text) {
        digests.append(digest)
      } else {
        diagnostics.error(
          .wrongType(
            expected: "\(algorithm.digits) hex digits", found: value.found, hint: nil), at: value)
      }
    }
    digest = digests.first
    if let value = reader.value("path"), !Self.staysInside(path) {
      diagnostics.error(
        .rule(
          "\(path) leads out of the data set's folder",
          mend: "give a relative path without .., with / between folders"), at: value)
    }
    if let value = reader.value("url"), let address, !Self.isAllowed(address) {
      diagnostics.error(
        .rule("\(address) is no address of a file", mend: "give one of http, https or file"),
        at: value)
    }
  }

  /// Whether a path is relative, plain and never goes up.
  package static func staysInside(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
      && path.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\\" && $0.value != 0x7F }
  }

  private static func isAllowed(_ address: String) -> Bool {
    guard let url = URL(string: address), let scheme = url.scheme?.lowercased() else {
      return false
    }
    return scheme == "file"
      ? url.path.hasPrefix("/") && (url.host ?? "").isEmpty
      : ["http", "https"].contains(scheme) && !(url.host ?? "").isEmpty
  }
}
