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
  }

  let identifier: String
  /// In the order of the inputs.
  let layers: [Layer]
  /// The part that the files name, where the split is by files.
  let part: SplitPart?

  var width: Int { layers[0].file.width }
  var height: Int { layers[0].file.height }

  /// Finds and opens the files of all inputs, and pairs them by identifier.
  ///
  /// - Throws: `DataError` where files are missing, have no partner, or differ where they may not;
  ///   `FormatError` for an unreadable one.
  static func all(_ options: RasterOptions) throws -> [RasterScene] {
    var layers: [[String: (layer: Layer, part: SplitPart?)]] = []
    for input in options.inputs {
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
    for (number, input) in options.inputs.enumerated() {
      let strays = Set(layers[number].keys).symmetricDifference(identifiers)
      if let stray = strays.min() {
        throw DataError.noPartner(
          identifier: stray, first: options.inputs[0].name, second: input.name,
          count: strays.count)
      }
    }
    let scenes = identifiers.map { identifier in
      let parts = layers.compactMap { $0[identifier] }
      return RasterScene(
        identifier: identifier, layers: parts.map(\.layer), part: parts[0].part)
    }
    try requireAgreement(scenes)
    return scenes
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

  private static func layer(
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
    var numbers: [Int] = []
    for band in wanted {
      switch band {
      case .index(let index) where names.indices.contains(index): numbers.append(index)
      case .name(let name):
        guard let index = names.firstIndex(of: name) else {
          throw .bandMissing(band: name, input: input.name, path: file.path, available: names)
        }
        numbers.append(index)
      case .index(let index):
        throw .bandMissing(band: "\(index)", input: input.name, path: file.path, available: names)
      }
    }
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
      for layer in scene.layers.dropFirst()
      where layer.file.width != scene.width || layer.file.height != scene.height {
        throw .filesDiffer(
          property: "size", first: scene.layers[0].file.path,
          expected: "\(scene.height)×\(scene.width)", second: layer.file.path,
          found: "\(layer.file.height)×\(layer.file.width)")
      }
    }
  }
}

extension RasterOptions {
  /// What to read for which part; one entry where the split is not by files.
  fileprivate func patterns(of input: Input) throws(DataError) -> [(SplitPart?, String)] {
    guard case .files(let files) = split.method else { return [(nil, input.pattern)] }
    guard inputs.count == 1, input.pattern == "." else {
      throw .optionInvalid(
        key: "data.inputs.\(input.name).path", found: input.pattern,
        expected: "nothing beside data.split.method files, whose parts name the files of one input")
    }
    return files.patterns.map { ($0, $1) }
  }
}
