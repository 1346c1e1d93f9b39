import Formats
import Foundation
import Recipes
import Tensors

/// The targets of raster samples, ready to be read.
struct RasterTargets: Sendable {
  let target: RasterTarget
  /// Names of the classes, values or channels.
  let names: [String]
  let coding: ClassCoding?
  /// One for each scene, where a scene has one target.
  let ofScene: [Tensor]

  /// Reads what is small, and looks at the classes of all scenes.
  ///
  /// - Throws: `TargetError` for targets that are missing or wrong, `DataError` for a recipe that
  ///   contradicts itself.
  init(_ target: RasterTarget, _ scenes: [RasterScene], root: String) throws {
    self.target = target
    let labels = scenes.map { FileSearch.label(of: $0.layers[0].file.path, root: root) }
    switch (target.kind, target.source) {
    case (.label, .folders):
      let folders = try zip(scenes, labels).map { scene, label in
        let parts = label.split(separator: "/")
        guard parts.count > 1 else {
          throw TargetError.noFolder(path: scene.layers[0].file.path)
        }
        return String(parts[parts.count - 2])
      }
      let coding = try ClassCoding(target, seen: Set(folders))
      ofScene = try zip(scenes, folders).map { scene, folder in
        Tensor([Int32(try coding.index(of: folder, path: scene.layers[0].file.path))], shape: [])
      }
      (self.coding, names) = (coding, coding.names)
    case (_, .table(let path, let column)):
      let paths = try LabelTable.files(path, root: root)
      let path = paths[0]
      let table = try LabelTable(
        paths: paths, column: column, names: target.kind == .label ? nil : target.classNames)
      let rows = Array(zip(scenes.map(\.identifier), labels))
      switch target.kind {
      case .label: (coding, names, ofScene) = try Self.classes(table, rows, target, path)
      case .labels: (coding, names, ofScene) = try Self.lists(table, rows, target, path)
      default:
        (coding, names, ofScene) = (nil, table.columns, try Self.values(table, rows, target, path))
      }
    case (.classMap, _), (.labels, .rasters), (.shares, .rasters):
      let seen = target.classNames == nil && target.classOfValue == nil
      let values = seen ? try Self.seenValues(scenes) : []
      let coding = try ClassCoding(target, seen: values)
      (self.coding, names, ofScene) = (coding, coding.names, [])
    default:
      coding = nil
      let bands = (scenes[0].target ?? scenes[0].layers[0]).names
      let isNamed = target.kind == .valueMap || target.kind == .values
      names = bands.count == 1 && isNamed ? target.classNames ?? bands : bands
      ofScene = []
    }
  }

  // MARK: Tables

  private typealias Rows = [(identifier: String, label: String)]
  private typealias Read = (ClassCoding?, [String], [Tensor])

  private static func classes(
    _ table: LabelTable, _ rows: Rows, _ target: RasterTarget, _ path: String
  ) throws -> Read {
    guard table.columns.count == 1 else {
      throw DataError.optionInvalid(
        key: "data.target.column", found: "absent",
        expected: "the column of the class; the table has \(table.columns.joined(separator: ", "))")
    }
    let texts = try rows.map { try table.texts(identifier: $0.identifier, label: $0.label)[0] }
    let coding = try ClassCoding(target, seen: Set(texts))
    return (
      coding, coding.names,
      try texts.map { Tensor([Int32(try coding.index(of: $0, path: path))], shape: []) }
    )
  }

  /// One column of lists, or one column of 0 and 1 for each class.
  private static func lists(
    _ table: LabelTable, _ rows: Rows, _ target: RasterTarget, _ path: String
  ) throws -> Read {
    guard case .table(_, .some) = target.source else {
      let tensors = try rows.map { row in
        let numbers = try table.numbers(identifier: row.identifier, label: row.label)
        if let wrong = zip(table.columns, numbers).first(where: { $0.1 != 0 && $0.1 != 1 }) {
          throw TargetError.notANumber(
            path: path, identifier: row.identifier, column: wrong.0,
            value: "\(wrong.1), neither 0 nor 1,")
        }
        return Tensor(numbers.map { Float($0) }, shape: [numbers.count])
      }
      return (nil, table.columns, tensors)
    }
    let lists = try rows.map { row in
      LabelTable.list(try table.texts(identifier: row.identifier, label: row.label)[0])
    }
    let coding = try ClassCoding(target, seen: Set(lists.flatMap(\.self)))
    let tensors = try lists.map { list in
      var values = [Float](repeating: 0, count: coding.names.count)
      for text in list {
        let index = try coding.index(of: text, path: path)
        if index != target.ignoreIndex { values[index] = 1 }
      }
      return Tensor(values, shape: [values.count])
    }
    return (coding, coding.names, tensors)
  }

  private static func values(
    _ table: LabelTable, _ rows: Rows, _ target: RasterTarget, _ path: String
  ) throws -> [Tensor] {
    try rows.map { row in
      let numbers = try table.numbers(identifier: row.identifier, label: row.label)
      let sum = numbers.reduce(0, +)
      if target.kind == .shares, abs(sum - 1) > 1e-3 || numbers.contains(where: { $0 < 0 }) {
        throw TargetError.sharesWrong(path: path, identifier: row.identifier, sum: sum)
      }
      return Tensor(numbers.map { Float($0) }, shape: [numbers.count])
    }
  }

  // MARK: Rasters

  /// Whole numbers in the class rasters of all scenes, as texts.
  private static func seenValues(_ scenes: [RasterScene]) throws -> Set<String> {
    var seen: Set<Float> = []
    for scene in scenes {
      guard let layer = scene.target else { continue }
      let marker = layer.file.noData[layer.bands[0]].map { Float($0) }
      let values = try layer.file.read(bands: [layer.bands[0]], in: layer.file.whole)
      values.withElements(of: Float.self) { for value in $0 { seen.insert(value) } }
      if let marker { seen.remove(marker) }
      seen = seen.filter { !$0.isNaN }
    }
    return Set(seen.map { Int(exactly: $0).map(String.init) ?? "\($0)" })
  }

  /// Whether a target is a raster, which transforms change with the inputs.
  var isRaster: Bool { target.kind.isOfPixels }

  /// What the numbers of a raster target mean to transforms.
  var meaning: ImageSample.TargetMeaning {
    switch target.kind {
    case .classMap: .classes(ignored: Float(target.ignoreIndex))
    case .image: .image
    default: .values
    }
  }

  /// Class of each scene, where scenes have one.
  var classes: [Int]? {
    guard target.kind == .label else { return nil }
    return ofScene.map { Int($0.elements(as: Int32.self)[0]) }
  }

  /// The tables that targets are read from.
  func tablePaths(root: String) -> [String] {
    guard case .table(let path, _) = target.source else { return [] }
    return (try? LabelTable.files(path, root: root)) ?? []
  }

  /// SHA-256 of the target of a window as stored; nil where the input is the target.
  func digest(_ scene: RasterScene, _ place: RasterWindow) throws -> String? {
    if let layer = scene.target {
      let window = layer.file.isLike(scene) ? layer.fileWindow(place.window) : layer.file.whole
      return try layer.file.read(bands: layer.bands, in: window)
        .withElements(of: Float.self) { SHA256Digest.of(Data(buffer: $0)) }
    }
    guard !ofScene.isEmpty else { return nil }
    let value = ofScene[place.scene]
    return SHA256Digest.of(Data(bytes: value.pointer, count: value.byteCount))
  }

  /// Marks what lies above a row or left of a column as ignored or unknown.
  func ignore(before first: (row: Int, column: Int), in raster: Tensor) {
    guard first.row > 0 || first.column > 0 else { return }
    let (height, width) = (raster.shape[1], raster.shape[2])
    let mark = coding.map { Float($0.ignoreIndex) } ?? .nan
    raster.withMutableElements(of: Float.self) { values in
      for place in values.indices
      where place / width % height < first.row || place % width < first.column {
        values[place] = mark
      }
    }
  }

  /// A raster after transforms in the form of a sample: classes i32 `[row, column]`, else as it is.
  func finished(_ raster: Tensor) -> Tensor {
    guard target.kind == .classMap else { return raster }
    return Tensor(
      raster.elements(as: Float.self).map { Int32($0) }, shape: Array(raster.shape.dropFirst()))
  }
}
