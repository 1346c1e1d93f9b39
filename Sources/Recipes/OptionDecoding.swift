/// The work of an `OptionReader` while it decodes one map.
struct OptionDecoding {
  let path: String
  let location: SourceLocation
  let table: OptionTable
  let diagnostics: Diagnostics
  var checker: OptionChecker
  private(set) var values: [String: Located] = [:]
  private(set) var given: Set<String> = []
  private(set) var forwarded: [Located.Entry] = []
  /// Keys as written, aliases included.
  private var spellings: Set<String> = []

  init(path: String, location: SourceLocation, table: OptionTable, diagnostics: Diagnostics) {
    self.path = path
    self.location = location
    self.table = table
    self.diagnostics = diagnostics
    self.checker = OptionChecker(diagnostics: diagnostics)
  }

  /// Decodes the entries that the table knows, fills in defaults, and returns the others.
  mutating func decode(_ entries: [Located.Entry]) -> [Located.Entry] {
    spellings.formUnion(
      entries.map(\.key).filter { table.option(spelled: $0)?.isForwarded == false })
    let canonicalized = table.canonicalized(entries, in: path, diagnostics)
    for option in table.options {
      if let entry = canonicalized.first(where: { $0.key == option.name }) {
        given.insert(option.name)
        if option.isForwarded {
          forwarded.append(entry)
        } else {
          values[option.name] = checker.check(entry.value, option)
        }
        continue
      }
      let optionPath = DottedPath.joining(path, option.name)
      switch option.standard {
      case .value(let plain) where !option.isForwarded:
        let value = Located(plain: plain, at: location, path: optionPath)
        values[option.name] = checker.check(value, option)
      case .required:
        diagnostics.error(
          .missingKey(expected: option.type.expectation, sentence: option.sentence),
          at: location, path: optionPath)
      case .value, .absent, .described: break
      }
    }
    return canonicalized.filter { table[$0.key] == nil }
  }

  func refuse(_ unknown: [Located.Entry], neighbors: [String]) {
    for entry in unknown {
      diagnostics.error(
        .unknownKey(
          known: table.names + neighbors, parent: path,
          elsewhere: diagnostics.knownPaths[entry.key]),
        at: entry.keyLocation, path: entry.value.path)
    }
  }

  /// Leaves the decoded fields, in the table's order, for the resolved recipe.
  func settle() {
    let fields = table.options.compactMap { option in
      values[option.name].map {
        Located.Entry(key: option.name, keyLocation: $0.location, value: $0)
      }
    }
    diagnostics.resolution.settle(fields, at: path, order: table.names, spelled: spellings)
  }
}

extension OptionTable {
  /// The entries with aliases replaced by the table's names, each with a note; others stay.
  ///
  /// Two spellings of one field are an error; the first is kept.
  func canonicalized(
    _ entries: [Located.Entry], in path: String, _ diagnostics: Diagnostics
  ) -> [Located.Entry] {
    var written: [String: Located.Entry] = [:]
    var canonicalized: [Located.Entry] = []
    for entry in entries {
      let name = option(spelled: entry.key)?.name ?? entry.key
      if let other = written[name] {
        diagnostics.error(
          .twoSpellings(first: other.key, second: entry.key, other: other.keyLocation),
          at: entry.keyLocation, path: entry.value.path)
        continue
      }
      written[name] = entry
      var canonical = entry
      if entry.key != name {
        let canonicalPath = DottedPath.joining(path, name)
        diagnostics.note(
          .aliasRead(as: canonicalPath), at: entry.keyLocation, path: entry.value.path)
        canonical.key = name
        canonical.value = entry.value.moved(to: canonicalPath)
      }
      canonicalized.append(canonical)
    }
    return canonicalized
  }
}
