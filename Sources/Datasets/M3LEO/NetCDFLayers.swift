import Formats
import Foundation

/// Where a NetCDF-4 file has its layers.
struct NetCDFLayout: Sendable {
  struct Variable: Sendable {
    let name: String
    /// Axes before rows and columns whose labels tell layers apart, in the order of their names.
    let dimensions: [String]
  }

  /// Path without slashes at its ends; empty for the root.
  var group = ""
  /// In the order of the layers; nil for all that have the grid as their last axes.
  var variables: [Variable]?
}

/// The layers of a NetCDF-4 file on one grid of longitudes and latitudes: each variable at each
/// combination of the labels of its other axes.
///
/// Labels are read from the coordinate variables; nothing depends on their order in the file. No
/// handle is kept.
struct NetCDFLayers: Sendable {
  struct Layer: Sendable {
    /// `coherence_summer_36`.
    let name: String
    let dataset: String
    /// Position along each axis before rows and columns.
    let index: [Int]
    let missing: [Float]
    let scale: Float
    let offset: Float
  }

  let width: Int
  let height: Int
  let layers: [Layer]
  let geoReference: GeoReference
  private let chip: ChipFile
  /// More of one variable are taken for a damaged file.
  private static let mostLayers = 4096
  /// Whether the file's first row is the southernmost.
  private let isUpsideDown: Bool

  init(_ chip: ChipFile, layout: NetCDFLayout) throws {
    self.chip = chip
    let file = try chip.hdf5()
    let objects = try file.objects()
    let prefix = layout.group.isEmpty ? "" : layout.group + "/"
    let members = objects.filter { $0.path.hasPrefix(prefix) && $0.kind == .dataset }
      .map { String($0.path.dropFirst(prefix.count)) }.filter { !$0.contains("/") }
    let rows = try Axis(["y", "lat", "latitude"], of: file, prefix, members)
    let columns = try Axis(["x", "lon", "longitude"], of: file, prefix, members)
    guard columns.step.map({ $0 > 0 }) ?? true else {
      throw FormatError.malformed(
        path: file.path, format: "NetCDF", reason: "longitudes of '\(columns.name)' decrease")
    }
    (width, height) = (columns.count, rows.count)
    isUpsideDown = rows.step.map { $0 > 0 } ?? false
    geoReference = Self.geoReference(rows: rows, columns: columns)
    let variables =
      layout.variables
      ?? members.filter { $0 != rows.name && $0 != columns.name }
      .map { .init(name: $0, dimensions: []) }
    var layers: [Layer] = []
    for variable in variables where members.contains(variable.name) {
      let dataset = try file.dataset(prefix + variable.name)
      let hasGrid = dataset.shape.suffix(2) == [rows.count, columns.count]
      // Without a list of variables, those on another grid are not meant.
      if !hasGrid, layout.variables == nil { continue }
      layers += try Self.layers(of: dataset, variable, prefix, axes: [rows.name, columns.name])
      guard hasGrid else {
        throw FormatError.wrongAxes(
          path: file.path, object: dataset.path,
          expected: variable.dimensions + ["\(rows.count) rows", "\(columns.count) columns"],
          found: dataset.shape)
      }
    }
    guard !layers.isEmpty else {
      throw FormatError.objectMissing(
        path: file.path, object: prefix + (variables.first?.name ?? "variable"), kind: "dataset",
        available: objects.filter { $0.kind == .dataset }.map(\.path))
    }
    self.layers = layers
  }

  /// Values of some layers, `[layer, row, column]` from the north; NaN for what the file marks missing.
  func read(_ numbers: [Int], in window: RasterFile.Window) throws -> [Float] {
    let file = try chip.hdf5()
    var datasets: [String: HDF5Dataset] = [:]
    let first = isUpsideDown ? height - window.row - window.height : window.row
    var values: [Float] = []
    values.reserveCapacity(numbers.count * window.width * window.height)
    for number in numbers {
      let layer = layers[number]
      let dataset = try datasets[layer.dataset] ?? file.dataset(layer.dataset)
      datasets[layer.dataset] = dataset
      let stored = try dataset.readFloats(
        start: layer.index + [first, window.column],
        count: layer.index.map { _ in 1 } + [window.height, window.width])
      for row in 0..<window.height {
        let start = (isUpsideDown ? window.height - 1 - row : row) * window.width
        for value in stored[start..<(start + window.width)] {
          values.append(
            layer.missing.contains(value) ? .nan : value * layer.scale + layer.offset)
        }
      }
    }
    return values
  }

  /// Layers of one variable in the file's order of labels.
  private static func layers(
    of dataset: HDF5Dataset, _ variable: NetCDFLayout.Variable, _ prefix: String, axes: [String]
  ) throws -> [Layer] {
    let file = dataset.file
    guard dataset.shape.count >= variable.dimensions.count + 2 else {
      throw FormatError.wrongAxes(
        path: file.path, object: dataset.path, expected: variable.dimensions + axes,
        found: dataset.shape)
    }
    let leading = dataset.shape.count - 2
    guard dataset.shape.prefix(leading).reduce(1, *) <= mostLayers else {
      throw FormatError.unsupported(
        path: file.path, what: "'\(dataset.path)' of shape \(dataset.shape)",
        remedy: "A chip has at most \(mostLayers) layers of a variable; fetch the file again.")
    }
    // A file whose axes have no names has them as the layout says, after axes without labels.
    let unlabeled = [String](repeating: "", count: max(0, leading - variable.dimensions.count))
    let names =
      try dataset.dimensionNames() ?? unlabeled + variable.dimensions + axes
    guard names.suffix(2) == axes, Set(variable.dimensions).isSubset(of: names.dropLast(2)) else {
      throw FormatError.malformed(
        path: file.path, format: "NetCDF",
        reason: "'\(dataset.path)' has the axes \(names.joined(separator: ", ")), expected "
          + (variable.dimensions + axes).joined(separator: ", "))
    }
    var labels: [[String]] = []
    for (axis, name) in names.prefix(leading).enumerated() {
      labels.append(
        try Self.labels(
          name, count: dataset.shape[axis], isNamed: variable.dimensions.contains(name), file,
          prefix))
    }
    // Names follow the layout's order of axes, then what it does not know.
    let order =
      variable.dimensions.compactMap { names.firstIndex(of: $0) }
      + names.indices.prefix(leading).filter { !variable.dimensions.contains(names[$0]) }
    let values = try MissingValues(of: dataset)
    return positions(dataset.shape.prefix(leading)).map { index in
      let parts = order.map { labels[$0][index[$0]] }.filter { !$0.isEmpty }
      return Layer(
        name: ([variable.name] + parts).joined(separator: "_"), dataset: dataset.path, index: index,
        missing: values.markers, scale: values.scale, offset: values.offset)
    }
  }

  /// Labels of an axis; an axis of one place without a meaning for the layout has an empty one.
  private static func labels(
    _ name: String, count: Int, isNamed: Bool, _ file: HDF5File, _ prefix: String
  ) throws -> [String] {
    if !isNamed, count == 1 { return [""] }
    guard !name.isEmpty, file.kind(of: prefix + name) == .dataset else {
      guard !isNamed else {
        throw FormatError.objectMissing(
          path: file.path, object: prefix + name, kind: "dataset",
          available: try file.objects().filter { $0.kind == .dataset }.map(\.path))
      }
      return (0..<count).map(String.init)
    }
    let coordinate = try file.dataset(prefix + name)
    guard coordinate.shape == [count] else {
      throw FormatError.malformed(
        path: file.path, format: "NetCDF",
        reason: "'\(coordinate.path)' has shape \(coordinate.shape) for an axis of \(count)")
    }
    let texts: [String] =
      if coordinate.layout.elementType == .text { try coordinate.readTexts() } else {
        try coordinate.readDoubles().map {
          $0 == $0.rounded() && abs($0) < 1e15 ? String(Int($0)) : String($0)
        }
      }
    return texts
  }

  /// Every position in an array of this shape, the last axis fastest.
  private static func positions(_ shape: ArraySlice<Int>) -> [[Int]] {
    shape.reduce([[]]) { found, count in
      found.flatMap { start in (0..<count).map { start + [$0] } }
    }
  }

  /// Corners of the pixels around the coordinates of their centers, in degrees (EPSG:4326).
  private static func geoReference(rows: Axis, columns: Axis) -> GeoReference {
    var reference = GeoReference()
    guard let dx = columns.step, let dy = rows.step else { return reference }
    let top = max(rows.first, rows.last) + abs(dy) / 2
    reference.transform = [columns.first - dx / 2, dx, 0, top, 0, -abs(dy)]
    reference.system = GeoReference.degrees
    return reference
  }
}

/// Coordinates along rows or columns, in degrees.
private struct Axis {
  let name: String
  let count: Int
  let first: Double
  let last: Double
  /// Distance of neighbors; nil for a single one.
  let step: Double?

  /// Largest difference of a coordinate from its place on an even grid, in steps.
  private static let evenness = 0.02
  /// Longer ones are no chip's.
  private static let mostPlaces = 1 << 15

  init(_ candidates: [String], of file: HDF5File, _ prefix: String, _ members: [String]) throws {
    guard let name = candidates.first(where: members.contains) else {
      throw FormatError.objectMissing(
        path: file.path, object: prefix + candidates.joined(separator: " or "), kind: "coordinate",
        available: members.map { prefix + $0 })
    }
    let dataset = try file.dataset(prefix + name)
    let shape = try dataset.shape(axes: [name])
    guard shape[0] <= Self.mostPlaces else {
      throw FormatError.unsupported(
        path: file.path, what: "'\(dataset.path)' with \(shape[0]) coordinates",
        remedy: "A chip has at most \(Self.mostPlaces); fetch the file again.")
    }
    let values = try dataset.readDoubles()
    guard !values.isEmpty, values.allSatisfy(\.isFinite) else {
      throw FormatError.malformed(
        path: file.path, format: "NetCDF", reason: "'\(dataset.path)' holds no coordinates")
    }
    self.name = name
    count = values.count
    let (first, last) = (values[0], values[values.count - 1])
    (self.first, self.last) = (first, last)
    guard count > 1 else {
      step = nil
      return
    }
    let step = (last - first) / Double(count - 1)
    let isEven = values.indices.allSatisfy {
      abs(values[$0] - first - Double($0) * step) <= Self.evenness * abs(step)
    }
    guard step != 0, isEven else {
      throw FormatError.malformed(
        path: file.path, format: "NetCDF",
        reason: "coordinates of '\(dataset.path)' are not evenly spaced")
    }
    self.step = step
  }
}

/// The attributes by which the climate and forecast conventions (CF 1.8, section 8.1 and 2.5.1) mark
/// missing values and pack numbers: value = stored · scale_factor + add_offset.
private struct MissingValues {
  let markers: [Float]
  let scale: Float
  let offset: Float

  init(of dataset: HDF5Dataset) throws {
    func numbers(_ name: String) throws -> [Double] {
      guard case .numbers(let values) = try dataset.file.attribute(name, of: dataset.path) else {
        return []
      }
      return values
    }
    markers = try (numbers("_FillValue") + numbers("missing_value")).map { Float($0) }
    scale = try Float(numbers("scale_factor").first ?? 1)
    offset = try Float(numbers("add_offset").first ?? 0)
  }
}
