/// The fields of a whole recipe, as one table of tables.
package enum RecipeTable {
  /// With `data` as one data set.
  package static let single = table(data: DataSection.table)
  /// With `data.sources`, several data sets in one run; fields beside the list stand for all.
  static let sourcesForm = table(
    data: OptionTable(
      DataSection.sourcesTable.options
        + DataSection.table.options.map { $0.optional }))
  /// The same after fields beside the list went into each source.
  static let multiple = table(data: DataSection.sourcesTable)
  /// Every field that either form knows, for spellings and paths.
  static let spelling = table(data: DataSection.table.adding(DataSection.sourcesTable))

  /// Keys that other tools write elsewhere, and where they stand here.
  private static let moves: [(from: [String], to: [String])] = [
    (["output_dir"], ["output", "dir"]),
    (["work_dir"], ["output", "dir"]),
    (["default_root_dir"], ["output", "dir"]),
    (["train", "output_dir"], ["output", "dir"]),
    (["micro_batch_size"], ["data", "batch_size"]),
    (["train", "micro_batch_size"], ["data", "batch_size"]),
    (["train", "data_root"], ["data", "root"]),
    (["train", "train_data_root"], ["data", "root"]),
  ]

  private static func table(data: OptionTable) -> OptionTable {
    [
      Option("version", .integer, default: .required, "1"),
      Option("name", .text, default: .required, "name of the run folder"),
      Option(
        "seed", .integer, default: 0, range: .atLeast(0), "all random numbers but the split's"),
      Option("task", .name(of: "task"), default: .required, "what is learned"),
      Option("model", .table(ModelSection.table), default: .required, "backbone and head"),
      Option(
        "adapter", .either([AdapterEntry.type, .list(AdapterEntry.type)]), default: [],
        "what is adapted, and how"),
      Option("data", .table(data), default: .required, "samples"),
      Option("train", .table(TrainSection.table), default: .required, "training"),
      Option("eval", .table(EvalSection.table), default: [:], "evaluation"),
      Option("output", .table(OutputSection.table), default: [:], "where runs go"),
      Option("tracking", .table(TrackingSection.table), default: [:], "logs"),
      Option("distributed", .table(DistributedSection.table), default: [:], "threads and ranks"),
      Option(
        "federated", .table(FederatedSection.table), default: .absent,
        "training by clients that keep their data, in rounds"),
      Option("sweep", .map(.any), default: .absent, "values of a batch of runs"),
    ]
  }

  /// The key that names a component of a kind, and the fields that stand beside its own.
  static func component(of kind: String) -> (key: String, beside: OptionTable)? {
    component(of: kind, in: .table(spelling))
  }

  private static func component(
    of kind: String, in type: OptionType
  ) -> (key: String, beside: OptionTable)? {
    switch type {
    case .component(kind, let key, let beside): (key, beside)
    case .component(_, _, let table), .table(let table, _):
      table.options.lazy.compactMap { component(of: kind, in: $0.type) }.first
    case .list(let element, _), .map(let element): component(of: kind, in: element)
    case .either(let types): types.lazy.compactMap { component(of: kind, in: $0) }.first
    default: nil
    }
  }

  // MARK: Spellings

  /// One file's tree with aliases replaced by the recipe's own keys, each with a note.
  static func canonicalized(_ root: Located, _ diagnostics: Diagnostics) -> Located {
    let moved = moves.reduce(root) { root, move in
      guard let (key, value) = root.entry(at: move.from) else { return root }
      let target = DottedPath.joining(move.to)
      if let (other, _) = root.entry(at: move.to) {
        diagnostics.error(
          .twoSpellings(first: value.path, second: target, other: other), at: key, path: value.path)
        return root.removing(move.from)
      }
      diagnostics.note(.aliasRead(as: target), at: key, path: value.path)
      return root.removing(move.from).setting(move.to, to: value, keyLocation: key)
    }
    return rewritten(moved, .table(spelling), diagnostics)
  }

  /// The path with aliases replaced.
  static func canonicalized(_ keys: [String]) -> [String] {
    if let move = moves.first(where: { $0.from == keys }) { return move.to }
    return walk(keys, .table(spelling)).keys
  }

  /// A value that is to stand under a canonical path, with aliases in it replaced.
  static func canonicalized(
    _ value: Located, at keys: [String], _ diagnostics: Diagnostics
  ) -> Located {
    walk(keys, .table(spelling)).type.map { rewritten(value, $0, diagnostics) } ?? value
  }

  /// Whether a recipe can have a field of that path; options of components count as known.
  static func knows(_ keys: [String]) -> Bool {
    walk(keys, .table(spelling)).isKnown
  }

  private static func rewritten(
    _ value: Located, _ type: OptionType, _ diagnostics: Diagnostics
  ) -> Located {
    switch (type, value.value) {
    case (.table(let table, _), .map(let entries)),
      (.component(_, _, let table), .map(let entries)):
      let canonical = table.canonicalized(entries, in: value.path, diagnostics)
      return value.replacing(
        .map(
          canonical.map { entry in
            var entry = entry
            if let type = table[entry.key]?.type {
              entry.value = rewritten(entry.value, type, diagnostics)
            }
            return entry
          }))
    case (.map(let element), .map(let entries)):
      return value.replacing(
        .map(
          entries.map { entry in
            var entry = entry
            entry.value = rewritten(entry.value, element, diagnostics)
            return entry
          }))
    case (.list(let element, _), .list(let elements)):
      return value.replacing(.list(elements.map { rewritten($0, element, diagnostics) }))
    case (.either(let types), _):
      return types.first { $0.isNear(value) }.map { rewritten(value, $0, diagnostics) } ?? value
    default: return value
    }
  }

  private static func walk(
    _ keys: [String], _ type: OptionType
  ) -> (keys: [String], type: OptionType?, isKnown: Bool) {
    guard let key = keys.first else { return ([], type, true) }
    let rest = Array(keys.dropFirst())
    func going(_ name: String, _ type: OptionType) -> (
      keys: [String], type: OptionType?, isKnown: Bool
    ) {
      let below = walk(rest, type)
      return ([name] + below.keys, below.type, below.isKnown)
    }
    switch type {
    case .table(let table, let restOwner):
      if let option = table.option(spelled: key) { return going(option.name, option.type) }
      return (keys, nil, restOwner != nil)
    case .component(_, let nameKey, let table):
      if let option = table.option(spelled: key) { return going(option.name, option.type) }
      return (keys, nil, key != nameKey || rest.isEmpty)
    case .map(let element): return going(key, element)
    case .list(let element, _): return Int(key) == nil ? (keys, nil, false) : going(key, element)
    case .either(let types):
      let branch = types.first { if case .list = $0 { Int(key) != nil } else { $0.hasKeys } }
      return branch.map { walk(keys, $0) } ?? (keys, nil, false)
    case .any: return (keys, nil, true)
    default: return (keys, nil, false)
    }
  }

  // MARK: Fields of the only input

  /// Moves fields of the one input, or of the target, that stand directly under `data`.
  ///
  /// The input is the only one that the recipe names, else `standard`.
  static func fieldsMovedIn(
    _ root: Located, standard: String? = nil, _ diagnostics: Diagnostics
  ) -> Located {
    guard let data = root["data"] else { return root }
    let named = data["inputs"]?.entries.map(\.key) ?? standard.map { [$0] } ?? []
    guard named.count == 1, let input = named.first else { return root }
    return data.entries.reduce(root) { root, entry in
      guard spelling["data"]?.type.takes(entry.key) == false else { return root }
      let inInput = InputSection.table.option(spelled: entry.key)?.name
      let inTarget = TargetSection.table.option(spelled: entry.key)?.name
      let keys: [String]
      switch (inInput, inTarget) {
      case (let name?, nil): keys = ["data", "inputs", input, name]
      case (nil, let name?): keys = ["data", "target", name]
      default: return root
      }
      let target = DottedPath.joining(keys)
      if let (other, _) = root.entry(at: keys) {
        diagnostics.error(
          .twoSpellings(first: entry.value.path, second: target, other: other),
          at: entry.keyLocation, path: entry.value.path)
        return root.removing(["data", entry.key])
      }
      diagnostics.note(.aliasRead(as: target), at: entry.keyLocation, path: entry.value.path)
      return root.removing(["data", entry.key])
        .setting(keys, to: entry.value, keyLocation: entry.keyLocation)
    }
  }

  /// Spreads fields beside `data.sources` into each source, where own fields win.
  static func sourcesCompleted(_ root: Located) -> Located {
    guard let data = root["data"], let sources = data["sources"],
      case .list(let list) = sources.value
    else { return root }
    let common = data.removing("sources")
    let completed = list.map { source in
      source.merged(over: common.moved(to: source.path))
    }
    let sourcesEntry = Located.Entry(
      key: "sources", keyLocation: sources.location,
      value: sources.replacing(.list(completed)))
    return root.adding(
      "data", data.replacing(.map([sourcesEntry])), at: data.location)
  }

  /// Keys that have one place only, and it.
  static let knownPaths: [String: String] = {
    var places: [String: [String]] = [:]
    for section in single.options {
      guard case .table(let table, _) = section.type else { continue }
      for option in table.options {
        places[option.name, default: []].append("\(section.name).\(option.name)")
      }
    }
    return places.compactMapValues { $0.count == 1 ? $0.first : nil }
  }()
}

extension OptionType {
  /// Whether a value of this type can have keys of its own.
  fileprivate var hasKeys: Bool {
    switch self {
    case .table, .component, .map: true
    default: false
    }
  }

  fileprivate func takes(_ key: String) -> Bool {
    guard case .table(let table, _) = self else { return false }
    return table.option(spelled: key) != nil
  }
}
