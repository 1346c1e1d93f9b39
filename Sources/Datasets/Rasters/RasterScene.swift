import Formats
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
    /// Height and width that its values are brought to; nil leaves the file's.
    let size: RasterOptions.Size?

    var height: Int { size?.height ?? file.height }
    var width: Int { size?.width ?? file.width }

    /// Meters per pixel; nil where unknown, or where a change of size is not even.
    var resolution: Double? {
      guard let size, let meters = file.resolution else { return file.resolution }
      let across = Double(file.width) / Double(size.width)
      let down = Double(file.height) / Double(size.height)
      return abs(across - down) <= 1e-6 * across ? meters * across : nil
    }

    fileprivate var keptInMemory: Layer {
      Layer(file: file.keptInMemory(), bands: bands, names: names, size: size)
    }

    /// Pixels of the file that a window of the scene means: all, where they are brought to another size.
    func fileWindow(_ window: RasterFile.Window) -> RasterFile.Window {
      guard size != nil else { return window }
      return .init(column: 0, row: 0, width: file.width, height: file.height)
    }
  }

  let identifier: String
  /// What its statistics may be kept apart for.
  let group: String
  /// In the order of the inputs.
  let layers: [Layer]
  /// The raster of the target, where it is one.
  let target: Layer?
  /// The part, where it is known before windows are cut.
  let part: SplitPart?

  var width: Int { layers[0].width }
  var height: Int { layers[0].height }
  var whole: RasterFile.Window { .init(column: 0, row: 0, width: width, height: height) }
  /// Size of all values in memory, as files have them.
  var byteCount: Int { all.reduce(0) { $0 + $1.file.byteCount } }
  /// The layers, and the target's where it is one.
  var all: [Layer] { layers + (target.map { [$0] } ?? []) }

  /// The same scene with files that are decoded once, for many windows of each or many epochs.
  var keptInMemory: RasterScene {
    RasterScene(
      identifier: identifier, group: group, layers: layers.map(\.keptInMemory),
      target: target?.keptInMemory, part: part)
  }

  /// Opens and describes the files of a candidate.
  ///
  /// - Throws: `DataError` for bands that are not there, `FormatError` for an unreadable file.
  init(_ candidate: RasterCandidate, _ options: RasterOptions) throws {
    let layers = try zip(options.sources, candidate.places).compactMap {
      source, place -> Layer? in
      guard case .file(let path) = place else { return nil }
      return try Self.layer(options.open(path, as: source), source)
    }
    let inputs = options.inputs.count
    self.init(
      identifier: candidate.identifier, group: candidate.group,
      layers: Array(layers.prefix(inputs)), target: layers.count > inputs ? layers[inputs] : nil,
      part: candidate.part)
  }

  private init(
    identifier: String, group: String, layers: [Layer], target: Layer?, part: SplitPart?
  ) {
    self.identifier = identifier
    self.group = group
    self.layers = layers
    self.target = target
    self.part = part
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
    guard let wanted = input.bands, input.source.reader == nil else {
      return Layer(file: file, bands: Array(names.indices), names: names, size: input.size)
    }
    let numbers = try wanted.numbers(among: names, input: input.name, path: file.path)
    return Layer(
      file: file, bands: numbers, names: numbers.map { names[$0] }, size: input.size)
  }

  /// What differs from the first scene, or between the layers of this one, and may not.
  ///
  /// - Throws: `DataError.filesDiffer`.
  func requireAgreement(
    with first: RasterScene, _ options: RasterOptions
  ) throws(DataError) {
    for (layer, known) in zip(layers, first.layers) where layer.names != known.names {
      throw .filesDiffer(
        property: "bands", first: known.file.path, expected: "\(known.names)",
        second: layer.file.path, found: "\(layer.names)")
    }
    // A target that is brought to a size of its own, or read as one number, need not fit.
    let isOfPixels = options.target?.kind.isOfPixels ?? false
    let targets = target.map { $0.size == nil && isOfPixels ? [$0] : [] } ?? []
    for layer in layers.dropFirst() + targets
    where layer.width != width || layer.height != height {
      throw .filesDiffer(
        property: "size", first: layers[0].file.path, expected: "\(height)×\(width)",
        second: layer.file.path, found: "\(layer.height)×\(layer.width)")
    }
    let places = all.map(\.file.geoReference).filter { !$0.system.isEmpty }
    if let other = places.first(where: { $0.systemIdentity != places[0].systemIdentity }) {
      throw .filesDiffer(
        property: "coordinate system", first: layers[0].file.path, expected: places[0].systemName,
        second: all.first { $0.file.geoReference == other }?.file.path ?? "",
        found: other.systemName)
    }
  }
}
