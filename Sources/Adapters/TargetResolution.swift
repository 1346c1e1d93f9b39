package import Layers

extension AdapterSettings {
  /// The weights that the entry's patterns take, with the settings that hold on each.
  ///
  /// - Parameters:
  ///   - tree: the backbone's.
  ///   - defaults: patterns of an entry that names no targets.
  ///   - lowRank: the method's rank and scaling, nil for a method without ranks.
  ///   - scope: before the paths of all values.
  /// - Returns: targets in the order of patterns, then of the tree.
  /// - Throws: for a pattern that takes nothing and for unknown row names.
  package func resolveTargets(
    in tree: ModuleTree, defaults: [String], lowRank: LowRank?, scope: String = ""
  ) throws(AdapterError) -> [AdapterTarget] {
    var patterns = targets
    if patterns.isEmpty {
      patterns = defaults.compactMap { try? Pattern($0) }
      if patterns.isEmpty { throw .noTargets(method: method) }
    }
    let excluded = try sites(of: self.excluded, in: tree, field: "adapter.exclude_modules")
    for (pattern, _) in rankPattern {
      _ = try sites(of: [pattern], in: tree, field: "adapter.rank_pattern")
    }
    for (pattern, _) in alphaPattern {
      _ = try sites(of: [pattern], in: tree, field: "adapter.alpha_pattern")
    }
    var taken: [(site: AdaptationSite, rows: Range<Int>)] = []
    for pattern in patterns {
      for site in try sites(of: [pattern], in: tree, field: "adapter.target_modules") {
        guard !excluded.contains(where: { $0 === site }), isInChosenLayer(site.path) else {
          continue
        }
        for rows in try rows(of: pattern, on: site)
        where !taken.contains(where: { $0.site === site && $0.rows == rows }) {
          taken.append((site, rows))
        }
      }
    }
    let result = taken.compactMap { target($0.site, $0.rows, lowRank, scope) }
    if result.isEmpty { throw .noTargets(method: method) }
    return result
  }

  /// Parameters that `modules_to_save` and `bias` make trainable beside the adapter.
  package func savedParameters(
    in tree: ModuleTree, adapted: [AdapterTarget]
  ) throws(AdapterError) -> [Parameter] {
    var saved: [Parameter] = []
    for pattern in modulesToSave {
      let found = tree.parameters.filter { parameter in
        let groups = tree.sites.first { $0.weight === parameter || $0.bias === parameter }?.groups
        return pattern.matches(parameter: parameter.path, groups: groups ?? [])
      }
      if found.isEmpty { throw nothing("adapter.modules_to_save", pattern, tree) }
      saved += found
    }
    switch bias {
    case .none: break
    case .all: saved += tree.parameters.filter { $0.path.hasSuffix("bias") }
    case .adapted: saved += adapted.compactMap { $0.site.bias }
    }
    var seen = Set<String>()
    return saved.filter { seen.insert($0.path).inserted }
  }

  /// Values of the modules that the patterns take for a method that trains copies of them; without
  /// patterns those of all normalization layers.
  ///
  /// - Throws: for a pattern that takes nothing, and for one that takes a linear layer or convolution.
  package func resolveModules(in tree: ModuleTree) throws(AdapterError) -> [Parameter] {
    let ofSites = Set(tree.sites.map(\.path))
    var found: [Parameter] = []
    if targets.isEmpty {
      let gains = tree.parameters.filter {
        $0.path.hasSuffix(".weight") && $0.shape.count == 1
          && !ofSites.contains(parent(of: $0.path))
      }
      let modules = Set(gains.map { parent(of: $0.path) })
      found = tree.parameters.filter { modules.contains(parent(of: $0.path)) }
    }
    for pattern in targets {
      let matched = tree.parameters.filter { pattern.matches(parameter: $0.path, groups: []) }
      guard let first = matched.first else {
        throw nothing("adapter.target_modules", pattern, tree)
      }
      if let adapted = matched.first(where: { ofSites.contains(parent(of: $0.path)) }) {
        throw .unsupported(
          module: parent(of: adapted.path), method: method,
          reason:
            "the method is for normalization layers. Adapt this layer with another method, or "
            + "name it in modules_to_save")
      }
      guard matched.allSatisfy({ $0.path.hasSuffix(".weight") || $0.path.hasSuffix(".bias") })
      else {
        throw .unsupported(
          module: first.path, method: method,
          reason: "the method takes whole modules with weight and bias")
      }
      found += matched.filter { parameter in !found.contains { $0 === parameter } }
    }
    found = found.filter { parameter in
      isInChosenLayer(parameter.path)
        && !excluded.contains { $0.matches(parameter: parameter.path, groups: []) }
    }
    if found.isEmpty { throw .noTargets(method: method) }
    return found
  }

  private func target(
    _ site: AdaptationSite, _ rows: Range<Int>, _ lowRank: LowRank?, _ scope: String
  ) -> AdapterTarget? {
    guard let lowRank else {
      return AdapterTarget(site: site, rows: rows, rank: 0, alpha: 0, scope: scope)
    }
    let rank =
      rankPattern.first { $0.pattern.matches(path: site.path, groups: site.groups) }?.rank
      ?? lowRank.rank
    guard rank > 0 else { return nil }
    let alpha =
      alphaPattern.first { $0.pattern.matches(path: site.path, groups: site.groups) }?.alpha
      ?? lowRank.alpha ?? Double(rank)
    return AdapterTarget(
      site: site, rows: rows, rank: rank, alpha: alpha,
      usesRankStabilizedScaling: lowRank.usesRankStabilizedScaling, dropout: lowRank.dropout,
      scope: scope)
  }

  /// The blocks that the entry's positions take, all without any.
  ///
  /// - Throws: for a pattern that takes nothing, and for a backbone without such blocks.
  package func resolveBlocks(
    in tree: ModuleTree, scope: String = ""
  ) throws(AdapterError) -> [BlockTarget] {
    if !targets.isEmpty { throw .takesPositions(method: method) }
    guard !tree.blocks.isEmpty else { throw .noBlocks(method: method) }
    var chosen = tree.blocks
    if let positions {
      chosen = []
      for pattern in positions {
        let found = tree.blocks.filter { pattern.matches(path: $0.path, groups: []) }
        if found.isEmpty {
          throw .matchesNothing(
            field: "adapter.at", pattern: pattern.text, groups: [],
            examples: tree.blocks.prefix(4).map(\.path))
        }
        chosen += found.filter { block in !chosen.contains { $0 === block } }
      }
    }
    chosen = chosen.filter { isInChosenLayer($0.path) }
    if chosen.isEmpty { throw .noTargets(method: method) }
    return chosen.map { BlockTarget(site: $0, scope: scope) }
  }

  private func sites(
    of patterns: [Pattern], in tree: ModuleTree, field: String
  ) throws(AdapterError) -> [AdaptationSite] {
    var found: [AdaptationSite] = []
    for pattern in patterns {
      let matched = tree.sites.filter { pattern.matches(path: $0.path, groups: $0.groups) }
      if matched.isEmpty { throw nothing(field, pattern, tree) }
      found += matched
    }
    return found
  }

  private func rows(
    of pattern: Pattern, on site: AdaptationSite
  ) throws(AdapterError) -> [Range<Int>] {
    guard !pattern.rows.isEmpty else { return [0..<site.outputs] }
    var ranges: [Range<Int>] = []
    for rows in pattern.rows {
      let range: Range<Int>?
      switch rows {
      case .named(let name): range = site.rowNames.first { $0.name == name }?.rows
      case .range(let given): range = given.upperBound <= site.outputs ? given : nil
      }
      guard let range else {
        throw .unknownRows(
          pattern: pattern.text, module: site.path, names: site.rowNames.map(\.name),
          rows: site.outputs)
      }
      ranges.append(range)
    }
    return ranges
  }

  /// Whether the first number in the path is one of the chosen blocks.
  private func isInChosenLayer(_ path: String) -> Bool {
    guard let layers else { return true }
    let number = path.split(separator: ".").lazy.compactMap { Int($0) }.first
    return number.map(layers.contains) ?? false
  }

  private func nothing(_ field: String, _ pattern: Pattern, _ tree: ModuleTree) -> AdapterError {
    var examples: [String] = []
    for path in tree.sites.map(\.path) where examples.count < 4 {
      let shape = path.split(separator: ".").map { Int($0) == nil ? String($0) : "*" }
        .joined(separator: ".")
      if !examples.contains(shape) { examples.append(shape) }
    }
    return .matchesNothing(
      field: field, pattern: pattern.text, groups: tree.groups, examples: examples)
  }
}
