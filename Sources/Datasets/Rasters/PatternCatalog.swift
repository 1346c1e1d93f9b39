import Foundation
package import Recipes

/// Files by patterns below the root, paired by what `*` stands for.
package struct PatternCatalog: RasterCatalog {
  package init() {}

  package init?(
    _ section: DataSection, _ format: any RasterFormat.Type, _ diagnostics: Diagnostics
  ) {
    _ = OptionReader(section.format, format.options, diagnostics)
  }

  package func source(
    _ section: RasterSourceSection, _ diagnostics: Diagnostics
  ) -> RasterSource? {
    _ = OptionReader(section.selections, [], diagnostics)
    switch section.source {
    case .files(let pattern): return RasterSource(pattern: pattern)
    case .component:
      diagnostics.error(
        .rule("this format has no components", mend: "give path"), at: section.location,
        path: section.path + ".component")
      return nil
    case nil: return nil
    }
  }

  package func candidates(_ options: RasterOptions) throws -> [RasterCandidate] {
    let sources = options.sources
    let isByFiles = Self.isByPartPatterns(options)
    let found = try sources.map { source in
      try Self.files(of: source, options, byPart: isByFiles)
    }
    let members = isByFiles ? nil : try options.split.members(options)
    let all = Set(found[0].keys)
    let others = found.dropFirst().prefix(options.inputs.count - 1)
    let identifiers = others.reduce(into: all) { $0.formUnion($1.keys) }.sorted {
      $0.compare($1, options: [.numeric, .literal]) == .orderedAscending
    }
    return try identifiers.compactMap { identifier in
      let places = zip(sources, found).map { source, files -> RasterCandidate.Place in
        files[identifier].map { .file($0.path) }
          ?? .absent(reason: "no file of '\(source.name)'", isNormal: false)
      }
      var candidate = RasterCandidate(identifier: identifier, places: places)
      candidate.part = found[0][identifier]?.part
      if let members {
        guard let part = try members.part(of: candidate, options) else { return nil }
        candidate.part = part
      }
      return candidate
    }
  }

  private typealias Found = [String: (path: String, part: SplitPart?)]

  /// Files of a source by identifier.
  private static func files(
    of source: RasterOptions.Input, _ options: RasterOptions, byPart: Bool
  ) throws(DataError) -> Found {
    var patterns: [(SplitPart?, String)] = [(nil, source.source.pattern)]
    if byPart, case .files(let files) = options.split.method {
      patterns = files.patterns.map { ($0, $1) }
    }
    var found: Found = [:]
    for (part, pattern) in patterns {
      let files = try FileSearch.files(
        pattern, root: options.root, suffixes: options.format.suffixes)
      for path in files {
        let label = FileSearch.label(of: path, root: options.root)
        let identifier = part == nil ? identifier(of: label, pattern: pattern) : stem(of: label)
        if let other = found[identifier] {
          throw .identifierTwice(identifier: identifier, first: other.path, second: path)
        }
        found[identifier] = (path, part)
      }
    }
    return found
  }

  /// Whether the split's own patterns find the files: of an only input without a pattern, and without
  /// target rasters to pair.
  private static func isByPartPatterns(_ options: RasterOptions) -> Bool {
    guard case .files = options.split.method else { return false }
    return options.sources.count == 1 && options.inputs[0].source.pattern == "."
  }

  private static func stem(of label: String) -> String {
    (label as NSString).deletingPathExtension
  }

  /// What `*` stands for in the pattern, else the path below the root without its ending.
  private static func identifier(of label: String, pattern: String) -> String {
    if pattern.contains("*") {
      let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map {
        NSRegularExpression.escapedPattern(for: String($0)).replacing("\\?", with: ".")
      }
      let expression = try? NSRegularExpression(
        pattern: "^" + parts.joined(separator: "([^/]*)") + "$")
      let text = label as NSString
      if let match = expression?.firstMatch(
        in: label, range: NSRange(location: 0, length: text.length))
      {
        return (1..<match.numberOfRanges).map { text.substring(with: match.range(at: $0)) }
          .joined(separator: "/")
      }
    }
    let isFile = label == pattern
    return isFile ? "scene" : stem(of: label)
  }
}

extension RasterOptions {
  /// The inputs, and the target where it is read from rasters of its own.
  var sources: [Input] { inputs + (target?.raster.map { [$0] } ?? []) }
}

extension RasterTarget {
  /// The target's files, read like those of an input; nil where it is no raster of its own.
  var raster: RasterOptions.Input? {
    guard case .rasters(let files) = source else { return nil }
    var input = RasterOptions.Input(name: TargetDescription.field, source: files)
    input.size = size
    return input
  }
}
