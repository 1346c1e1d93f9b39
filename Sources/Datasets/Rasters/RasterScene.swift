import Formats
import Foundation
import Recipes

/// One sample's place in the files: the same pixels of every input.
struct RasterScene: Sendable {
  /// One input of the scene.
  struct Layer: Sendable {
    let file: PixelFile
    /// Numbers of the selected bands, in the order asked for.
    let bands: [Int]
    /// Their names.
    let names: [String]

    fileprivate var keptInMemory: Layer {
      Layer(file: file.keptInMemory(), bands: bands, names: names)
    }
  }

  let identifier: String
  /// In the order of the inputs.
  let layers: [Layer]
  /// The raster of the target, where it is one.
  let target: Layer?
  /// The part that the files name, where the split is by files.
  let part: SplitPart?

  var width: Int { layers[0].file.width }
  var height: Int { layers[0].file.height }
  var whole: RasterFile.Window { .init(column: 0, row: 0, width: width, height: height) }

  /// Finds and opens the files of all inputs, and pairs them by identifier.
  ///
  /// - Throws: `DataError` where files are missing, have no partner, or differ where they may not;
  ///   `FormatError` for an unreadable one.
  static func all(_ options: RasterOptions) throws -> [RasterScene] {
    var layers: [[String: (layer: Layer, part: SplitPart?)]] = []
    let sources = options.inputs + (options.target?.raster.map { [$0] } ?? [])
    let members = try options.membership()
    for input in sources {
      var found: [String: (layer: Layer, part: SplitPart?)] = [:]
      for (part, pattern) in try options.patterns(of: input) {
        let files = try FileSearch.files(
          pattern, root: options.root, suffixes: options.format.suffixes)
        for path in files {
          let label = FileSearch.label(of: path, root: options.root)
          let identifier = part == nil ? identifier(of: label, pattern: pattern) : stem(of: label)
          if let other = found[identifier] {
            throw DataError.identifierTwice(
              identifier: identifier, first: other.layer.file.path, second: path)
          }
          found[identifier] = (try layer(options.format.open(path), input), part)
        }
      }
      layers.append(found)
    }
    let identifiers = layers[0].keys.sorted {
      $0.compare($1, options: [.numeric, .literal]) == .orderedAscending
    }
    for (number, input) in sources.enumerated() {
      var strays = Set(layers[number].keys).symmetricDifference(identifiers)
      // Targets of other samples do no harm.
      if number == options.inputs.count { strays.formIntersection(identifiers) }
      if let stray = strays.min() {
        throw DataError.noPartner(
          identifier: stray, first: options.inputs[0].name, second: input.name,
          count: strays.count)
      }
    }
    let scenes = identifiers.compactMap { identifier -> RasterScene? in
      let found = layers.compactMap { $0[identifier] }
      let part = members.map { $0[found[0].layer.file.path] } ?? found[0].part
      if members != nil, part == nil { return nil }
      return RasterScene(
        identifier: identifier, layers: found.prefix(options.inputs.count).map(\.layer),
        target: found.count > options.inputs.count ? found.last?.layer : nil, part: part)
    }
    try requireAgreement(scenes)
    let bytes = scenes.reduce(0) { $0 + $1.layers.reduce(0) { $0 + $1.file.byteCount } }
    let isKept = options.patch != nil && bytes <= PDEData.memoryLimit
    return isKept ? scenes.map(\.keptInMemory) : scenes
  }

  /// The same scene with files that are decoded once, for many windows of each.
  private var keptInMemory: RasterScene {
    RasterScene(
      identifier: identifier,
      layers: layers.map(\.keptInMemory), target: target?.keptInMemory, part: part)
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

  static func layer(
    _ file: PixelFile, _ input: RasterOptions.Input
  ) throws(DataError) -> Layer {
    var names = file.bands.enumerated().map { $1.isEmpty ? "band \($0)" : $1 }
    if let given = input.fileBands {
      guard given.count == names.count else {
        throw .optionInvalid(
          key: "data.inputs.\(input.name).dataset_bands", found: "\(given.count) names",
          expected: "one for each of the \(names.count) bands of \(file.path)")
      }
      names = given.map { band in
        switch band {
        case .name(let name): name
        case .index(let index): String(index)
        }
      }
    }
    guard let wanted = input.bands else {
      return Layer(file: file, bands: Array(names.indices), names: names)
    }
    let numbers = try wanted.numbers(among: names, input: input.name, path: file.path)
    return Layer(file: file, bands: numbers, names: numbers.map { names[$0] })
  }

  /// All scenes have the same bands, and the inputs of a scene the same size.
  private static func requireAgreement(_ scenes: [RasterScene]) throws(DataError) {
    for scene in scenes {
      for (layer, first) in zip(scene.layers, scenes[0].layers) where layer.names != first.names {
        throw .filesDiffer(
          property: "bands", first: first.file.path, expected: "\(first.names)",
          second: layer.file.path, found: "\(layer.names)")
      }
      for layer in scene.layers.dropFirst() + (scene.target.map { [$0] } ?? [])
      where layer.file.width != scene.width || layer.file.height != scene.height {
        throw .filesDiffer(
          property: "size", first: scene.layers[0].file.path,
          expected: "\(scene.height)×\(scene.width)", second: layer.file.path,
          found: "\(layer.file.height)×\(layer.file.width)")
      }
    }
  }
}

extension RasterTarget {
  /// The target's files, read like those of an input; nil where it is no raster of its own.
  fileprivate var raster: RasterOptions.Input? {
    guard case .rasters(let pattern) = source else { return nil }
    return RasterOptions.Input(name: TargetDescription.field, pattern: pattern)
  }
}

extension RasterOptions {
  /// What to read for which part; one entry where the split is not by files.
  fileprivate func patterns(of input: Input) throws(DataError) -> [(SplitPart?, String)] {
    guard case .files(let files) = split.method, !areFoundByPattern else {
      return [(nil, input.pattern)]
    }
    return files.patterns.map { ($0, $1) }
  }

  /// Whether inputs are found by their own patterns and only then put into parts: where there are
  /// several, or a target's rasters, that are paired by identifier.
  private var areFoundByPattern: Bool {
    inputs.count > 1 || inputs[0].pattern != "." || target?.raster != nil
  }

  /// Part of each file of the first input, where the split names files and inputs are found by their
  /// own patterns.
  fileprivate func membership() throws(DataError) -> [String: SplitPart]? {
    guard case .files(let files) = split.method, areFoundByPattern else { return nil }
    var parts: [String: SplitPart] = [:]
    for (part, pattern) in files.patterns {
      for path in try FileSearch.files(pattern, root: root, suffixes: format.suffixes) {
        if let other = parts[path], other != part {
          throw .splitOverlap(identifier: path, first: other.rawValue, second: part.rawValue)
        }
        parts[path] = part
      }
    }
    return parts
  }
}
