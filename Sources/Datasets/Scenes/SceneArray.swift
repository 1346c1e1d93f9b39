package import Formats
import Foundation

/// A cube of spectra or an image of labels, read as a whole from whatever file holds it: MATLAB of
/// level 5 or 7.3, HDF5 (NetCDF-4 too), or a raster that GDAL opens (ENVI, GeoTIFF).
///
/// The format is told from the content. Axes are: MATLAB rows, columns, bands, in 7.3 reversed; HDF5
/// rows, columns, bands, in PRISMA's cubes rows, bands, columns.
package struct SceneArray: Sendable, Equatable {
  package let path: String
  /// Name of the variable or dataset; nil for rasters.
  package let variable: String?
  package let width: Int
  package let height: Int
  /// Names of the bands, empty texts where the file has none.
  package let bands: [String]
  /// Band centers in nanometers; nil unless the file gives all.
  package let wavelengths: [Double]?
  /// Marker of missing values that the file declares.
  package let noData: Double?
  /// Where the pixels lie on the ground; nothing where the file does not say.
  package let geoReference: GeoReference
  /// Meters per pixel; nil where unknown or pixels are not square.
  package let resolution: Double?
  /// As stored, `[band, row, column]`.
  package let values: [Float]

  /// What is read, for choosing a variable and for messages.
  package enum Role: Sendable {
    case cube(key: String)
    case labels(key: String)

    var rank: Int { if case .cube = self { 3 } else { 2 } }
    var key: String {
      switch self {
      case .cube(let key), .labels(let key): key
      }
    }
  }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - variable: name inside the file; nil takes the only array of the role's number of axes.
  ///   - role: cube or labels, with the recipe's key for the variable.
  /// - Throws: `FormatError`; `DataError.variableAmbiguous` where several arrays could be meant or none
  ///   fits, `.optionInvalid` for a variable of a raster, which has none.
  package init(path: String, variable: String?, role: Role) throws {
    let version = try MATVersion.ofFile(path)
    if case .v73 = version {
      self = try Self.hdf5(path, variable, role, isMATLAB: true)
    } else if version != nil {
      self = try Self.matlab(path, variable, role)
    } else if try Self.isHDF5(path) {
      self = try Self.hdf5(path, variable, role, isMATLAB: false)
    } else {
      self = try Self.raster(path, variable, role)
    }
  }

  private init(
    path: String, variable: String?, shape: [Int], values: [Float], noData: Double? = nil,
    bands: [String]? = nil, wavelengths: [Double]? = nil, geoReference: GeoReference = .init(),
    resolution: Double? = nil
  ) {
    self.path = path
    self.variable = variable
    (height, width) = (shape[1], shape[2])
    self.bands = bands ?? [String](repeating: "", count: shape[0])
    self.wavelengths = wavelengths
    self.noData = noData
    self.geoReference = geoReference
    self.resolution = resolution
    self.values = values
  }

  private static func matlab(
    _ path: String, _ variable: String?, _ role: Role
  ) throws -> SceneArray {
    let file = try MATFile(path: path)
    let fitting = file.variables.filter {
      $0.kind.isNumeric && $0.shape.count == role.rank && $0.shape.allSatisfy { $0 > 1 }
    }
    let name =
      try variable
      ?? only(
        fitting.map(\.name), path, role, file.variables.map { "\($0.name) \($0.shape)" })
    let found = try file.floats(name, order: .lastFirst)
    try check(found.shape, path, name, role)
    return SceneArray(
      path: path, variable: name, shape: role.rank == 2 ? [1] + found.shape : found.shape,
      values: found.elements)
  }

  private static func hdf5(
    _ path: String, _ variable: String?, _ role: Role, isMATLAB: Bool
  ) throws -> SceneArray {
    let file = try HDF5File(reading: path)
    let objects = try file.objects().filter { $0.layout?.elementType.isNumeric == true }
    let fitting = objects.filter { object in
      object.layout?.shape.count == role.rank && !object.path.hasPrefix("#refs#")
        && object.layout?.shape.allSatisfy { $0 > 1 } == true
    }
    let name =
      try variable
      ?? only(
        fitting.map(\.path), path, role, objects.map { "\($0.path) \($0.layout?.shape ?? [])" })
    let dataset = try file.dataset(name)
    try check(dataset.shape, path, name, role)
    let stored = try dataset.readFloats()
    let isPRISMA = name.hasSuffix("VNIR_Cube") || name.hasSuffix("SWIR_Cube")
    // Positions of band, row and column among the stored axes.
    let axes =
      role.rank == 2
      ? (isMATLAB ? [1, 0] : [0, 1])
      : isMATLAB ? [0, 2, 1] : isPRISMA ? [1, 0, 2] : [2, 0, 1]
    let values = transposed(stored, shape: dataset.shape, to: axes)
    let shape = axes.map { dataset.shape[$0] }
    var noData: Double?
    for attribute in ["_FillValue", "Data_Ignore_Value"] where noData == nil {
      noData = try file.attribute(attribute, of: name)?.number
    }
    return SceneArray(
      path: path, variable: name, shape: role.rank == 2 ? [1] + shape : shape, values: values,
      noData: noData)
  }

  private static func raster(
    _ path: String, _ variable: String?, _ role: Role
  ) throws -> SceneArray {
    guard variable == nil else {
      throw DataError.optionInvalid(
        key: role.key, found: variable ?? "",
        expected: "none, since \(path) is a raster without variables")
    }
    let file = try RasterFile(path: path)
    let size = file.pixelSize
    let isSquare = size.map { abs($0[0] - $0[1]) <= 1e-6 * $0[0] } ?? false
    if role.rank == 2, file.bands.count != 1 {
      throw FormatError.wrongAxes(
        path: path, object: "the label image", expected: ["row", "column"],
        found: [file.bands.count, file.height, file.width])
    }
    let centers = file.bands.compactMap(\.wavelength)
    let values = try file.read(
      bands: Array(file.bands.indices),
      in: .init(column: 0, row: 0, width: file.width, height: file.height))
    return SceneArray(
      path: path, variable: nil, shape: [file.bands.count, file.height, file.width],
      values: values, noData: file.bands.compactMap(\.noData).first,
      bands: file.bands.map(\.name),
      wavelengths: centers.count == file.bands.count ? centers : nil,
      geoReference: file.geoReference, resolution: isSquare ? size?[0] : nil)
  }

  /// Whether a file has an array of that name; rasters have none.
  static func holds(_ variable: String, path: String) throws -> Bool {
    let version = try MATVersion.ofFile(path)
    if case .v5 = version {
      return try MATFile(path: path).variables.contains { $0.name == variable }
    }
    guard try version == .v73 || isHDF5(path) else { return false }
    return try HDF5File(reading: path).kind(of: variable) == .dataset
  }

  /// The same with every band named, by its number where the file has no name, and with these
  /// centers.
  func named(wavelengths: [Double]?) -> SceneArray {
    SceneArray(
      path: path, variable: variable, shape: [bands.count, height, width], values: values,
      noData: noData,
      bands: bands.enumerated().map { $1.isEmpty ? "band \($0)" : $1 },
      wavelengths: wavelengths, geoReference: geoReference, resolution: resolution)
  }

  /// The bands of these numbers alone, in their order.
  func selecting(_ numbers: [Int]) -> SceneArray {
    let pixels = width * height
    return SceneArray(
      path: path, variable: variable, shape: [numbers.count, height, width],
      values: numbers.flatMap { values[($0 * pixels)..<(($0 + 1) * pixels)] }, noData: noData,
      bands: numbers.map { bands[$0] },
      wavelengths: wavelengths.map { all in numbers.map { all[$0] } }, geoReference: geoReference,
      resolution: resolution)
  }

  /// All values of a vector, as band centers beside a cube.
  ///
  /// - Throws: `FormatError`, or `DataError.optionInvalid` for a raster.
  package static func vector(path: String, variable: String) throws -> [Double] {
    switch try MATVersion.ofFile(path) {
    case .v5: return try MATFile(path: path).floats(variable).elements.map(Double.init)
    case .v73: return try HDF5File(reading: path).dataset(variable).readDoubles()
    default:
      guard try isHDF5(path) else {
        throw DataError.optionInvalid(
          key: "data.inputs.image.wavelengths.variable", found: variable,
          expected: "none, since \(path) is a raster without variables")
      }
      return try HDF5File(reading: path).dataset(variable).readDoubles()
    }
  }

  private static func only(
    _ names: [String], _ path: String, _ role: Role, _ available: [String]
  ) throws(DataError) -> String {
    guard let name = names.first, names.count == 1 else {
      throw .variableAmbiguous(path: path, key: role.key, available: available)
    }
    return name
  }

  private static func check(
    _ shape: [Int], _ path: String, _ name: String, _ role: Role
  ) throws(FormatError) {
    guard shape.count == role.rank, !shape.contains(0) else {
      throw .wrongAxes(
        path: path, object: name,
        expected: role.rank == 3 ? ["row", "column", "band"] : ["row", "column"], found: shape)
    }
  }

  /// The signature of HDF5, which may stand behind a block of a power of two from 512 bytes.
  private static func isHDF5(_ path: String) throws -> Bool {
    let file = try MappedFile(path: path)
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    return ([0] + (9..<16).map { 1 << $0 }).contains { start in
      file.bytes.count >= start + 8 && file.data(in: start..<(start + 8)) == signature
    }
  }

  /// Row-major values with their axes in another order.
  private static func transposed(_ values: [Float], shape: [Int], to axes: [Int]) -> [Float] {
    guard axes != Array(shape.indices) else { return values }
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    // Two axes are three with one of length 1.
    let sizes = (axes.count == 2 ? [1] : []) + axes.map { shape[$0] }
    let steps = (axes.count == 2 ? [0] : []) + axes.map { strides[$0] }
    var result: [Float] = []
    result.reserveCapacity(values.count)
    for first in 0..<sizes[0] {
      for second in 0..<sizes[1] {
        let start = first * steps[0] + second * steps[1]
        for third in 0..<sizes[2] { result.append(values[start + third * steps[2]]) }
      }
    }
    return result
  }
}
