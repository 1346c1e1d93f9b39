import Formats
import Foundation
import TestSupport
import Testing

@Suite("Raster writer") struct RasterWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let utm33 = """
    PROJCRS["WGS 84 / UTM zone 33N",BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",\
    ELLIPSOID["WGS 84",6378137,298.257223563,LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,\
    ANGLEUNIT["degree",0.0174532925199433]],ID["EPSG",4326]],CONVERSION["UTM zone 33N",\
    METHOD["Transverse Mercator",ID["EPSG",9807]],PARAMETER["Latitude of natural origin",0,\
    ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8801]],PARAMETER["Longitude of natural \
    origin",15,ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8802]],PARAMETER["Scale factor at \
    natural origin",0.9996,SCALEUNIT["unity",1],ID["EPSG",8805]],PARAMETER["False easting",500000,\
    LENGTHUNIT["metre",1],ID["EPSG",8806]],PARAMETER["False northing",0,LENGTHUNIT["metre",1],\
    ID["EPSG",8807]]],CS[Cartesian,2],AXIS["(E)",east,ORDER[1],LENGTHUNIT["metre",1]],\
    AXIS["(N)",north,ORDER[2],LENGTHUNIT["metre",1]],ID["EPSG",32633]]
    """

  private func whole(_ file: RasterFile) throws -> [Float] {
    try file.read(
      bands: Array(file.bands.indices),
      in: .init(column: 0, row: 0, width: file.width, height: file.height))
  }

  /// Writes in pieces of the given numbers of rows.
  private func write<Element: RasterElement>(
    _ values: [Element], _ layout: RasterLayout, pieces: [Int], to path: String
  ) throws {
    let writer = try RasterWriter(path: path, layout: layout)
    var first = 0
    for rows in pieces {
      var piece: [Element] = []
      for band in layout.bands.indices {
        let start = (band * layout.height + first) * layout.width
        piece += values[start..<(start + rows * layout.width)]
      }
      try writer.append(piece)
      first += rows
    }
    try writer.commit()
  }

  @Test(
    "values come back, whatever the type, the compression and the pieces",
    arguments: RasterElementType.allCases, RasterLayout.Compression.allCases)
  func roundTrip(type: RasterElementType, compression: RasterLayout.Compression) throws {
    var layout = RasterLayout(width: 1030, height: 700, elementType: type, bands: ["a", "b"])
    layout.compression = compression
    let count = 2 * 1030 * 700
    let path = folder.file("a.tif")
    for pieces in [[700], [1, 511, 1, 187], Array(repeating: 100, count: 7)] {
      switch type {
      case .uint8:
        try write((0..<count).map { UInt8($0 * 7 % 256) }, layout, pieces: pieces, to: path)
      case .uint16:
        try write((0..<count).map { UInt16($0 * 7 % 65536) }, layout, pieces: pieces, to: path)
      case .float32:
        try write((0..<count).map { Float($0) / 3 }, layout, pieces: pieces, to: path)
      }
      let file = try RasterFile(path: path)
      #expect(file.width == 1030 && file.height == 700)
      let expected: (Int) -> Float = { index in
        switch type {
        case .uint8: Float(index * 7 % 256)
        case .uint16: Float(index * 7 % 65536)
        case .float32: Float(index) / 3
        }
      }
      let values = try whole(file)
      let wrong = values.indices.count { values[$0] != expected($0) }
      #expect(values.count == count && wrong == 0, "\(wrong) of \(values.count) differ")
      #expect(try folder.names == ["a.tif"])
    }
  }

  @Test("equal rows give equal bytes, however they are cut") func sameBytes() throws {
    let layout = RasterLayout(width: 600, height: 600, elementType: .float32, bands: ["a", "b"])
    let values = (0..<720_000).map { Float($0 % 977) }
    try write(values, layout, pieces: [600], to: folder.file("a.tif"))
    try write(values, layout, pieces: [13, 500, 1, 86], to: folder.file("b.tif"))
    let both = try ["a.tif", "b.tif"].map { try Data(contentsOf: URL(filePath: folder.file($0))) }
    #expect(both[0] == both[1])
  }

  /// A layout with all that a map can say.
  private func described() -> RasterLayout {
    var layout = RasterLayout(width: 40, height: 30, elementType: .uint8, bands: ["land cover"])
    layout.noData = 255
    layout.colors = [[0, 0, 0, 255], [230, 159, 0, 255], [86, 180, 233, 255]]
    layout.metadata = ["CLASS_1": "forêt = dense", "ACCEPTED": "unit"]
    layout.geoReference.system = Self.utm33
    layout.geoReference.transform = [393_000, 10, 0, 5_820_000, 0, -10]
    return layout
  }

  @Test("place, no-data, colors, descriptions and items come back") func descriptions() throws {
    let layout = described()
    let path = folder.file("a.tif")
    try write(
      (0..<1200).map { UInt8($0 % 3) }, layout, pieces: [30], to: path)
    let file = try RasterFile(path: path)
    #expect(file.geoReference.transform == layout.geoReference.transform)
    #expect(file.geoReference.system.contains("ID[\"EPSG\",32633]"))
    #expect(file.pixelSize == [10, 10])
    #expect(file.bands.count == 1)
    #expect(file.bands[0].name == "land cover")
    #expect(file.bands[0].noData == 255)
    #expect(Array(file.bands[0].colors.prefix(3)) == layout.colors)
    #expect(file.metadata["CLASS_1"] == "forêt = dense")
    #expect(file.metadata["ACCEPTED"] == "unit")
    #expect(try folder.names == ["a.tif"])
  }

  @Test(
    "GDAL's own tools read the same",
    .enabled(if: Tool.gdalinfo != nil, "gdalinfo is absent"))
  func ownTools() async throws {
    let layout = described()
    let path = folder.file("a.tif")
    try write((0..<1200).map { UInt8($0 % 3) }, layout, pieces: [30], to: path)
    let gdalinfo = try #require(Tool.gdalinfo)
    let outcome = try await Program(gdalinfo, ["-json", "-checksum", path])
      .outcome(within: .seconds(60))
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let info = try JSONDecoder().decode(
      Tool.Information.self, from: Data(outcome.standardOutput.utf8))
    #expect(info.size == [40, 30])
    #expect(info.geoTransform == layout.geoReference.transform)
    #expect(info.stac?.epsg == 32633)
    let band = try #require(info.bands.first)
    #expect(band.type == "Byte" && band.description == "land cover" && band.noDataValue == 255)
    let colors = try #require(band.colorTable).entries.prefix(3).map { $0.map { UInt8($0) } }
    #expect(colors == layout.colors)
    #expect(info.metadata["IMAGE_STRUCTURE"]?["COMPRESSION"] == "DEFLATE")
    #expect(info.metadata[""]?["CLASS_1"] == "forêt = dense")
  }

  @Test("a rotated place, pixel centers, and no place at all come back") func places() throws {
    var rotated = GeoReference()
    rotated.system = Self.utm33
    rotated.transform = [1000, 8, 3, 2000, 3, -8]
    var centers = rotated
    centers.transform = [1000, 10, 0, 2000, 0, -10]
    centers.refersToPixelCenters = true
    for place in [rotated, centers, GeoReference()] {
      var layout = RasterLayout(width: 16, height: 16, elementType: .uint16, bands: [""])
      layout.geoReference = place
      try write([UInt16](repeating: 7, count: 256), layout, pieces: [16], to: folder.file("a.tif"))
      let found = try RasterFile(path: folder.file("a.tif")).geoReference
      #expect(found.transform == place.transform)
      #expect(found.system.contains("32633") == !place.system.isEmpty)
      #expect(found.refersToPixelCenters == place.refersToPixelCenters)
      #expect(try folder.names == ["a.tif"])
    }
  }

  @Test("control points and rational polynomials come back") func controlPoints() throws {
    var layout = RasterLayout(width: 16, height: 16, elementType: .uint8, bands: [""])
    layout.geoReference.controlPointSystem = Self.utm33
    layout.geoReference.controlPoints = (0..<5).map { number in
      let number = Double(number)
      return .init(
        identifier: "\(number)", column: 3 * number, row: 2 * number, x: 500_000 + number,
        y: 1000 - number, z: number / 2)
    }
    layout.geoReference.rationalPolynomials = [
      "ERR_BIAS": "0", "ERR_RAND": "0", "LINE_OFF": "8", "SAMP_OFF": "7.5", "LAT_OFF": "52.5",
      "LONG_OFF": "13", "HEIGHT_OFF": "40", "LINE_SCALE": "8", "SAMP_SCALE": "8",
      "LAT_SCALE": "0.1", "LONG_SCALE": "0.2", "HEIGHT_SCALE": "500",
      "LINE_NUM_COEFF": coefficients(0.5), "LINE_DEN_COEFF": coefficients(1),
      "SAMP_NUM_COEFF": coefficients(-0.25), "SAMP_DEN_COEFF": coefficients(1),
    ]
    try write([UInt8](repeating: 7, count: 256), layout, pieces: [16], to: folder.file("a.tif"))
    let found = try RasterFile(path: folder.file("a.tif")).geoReference
    #expect(found.transform == nil)
    #expect(found.controlPoints.map(\.column) == [0, 3, 6, 9, 12])
    #expect(found.controlPoints.map(\.row) == [0, 2, 4, 6, 8])
    #expect(found.controlPoints.map(\.x) == layout.geoReference.controlPoints.map(\.x))
    #expect(found.controlPoints.map(\.y) == layout.geoReference.controlPoints.map(\.y))
    #expect(found.controlPoints.map(\.z) == layout.geoReference.controlPoints.map(\.z))
    #expect(found.controlPointSystem.contains("32633"))
    for (key, text) in layout.geoReference.rationalPolynomials {
      let numbers = text.split(separator: " ").compactMap { Double($0) }
      let stored = found.rationalPolynomials[key]?.split(separator: " ").compactMap { Double($0) }
      #expect(stored == numbers, "\(key)")
    }
    #expect(try folder.names == ["a.tif"])
  }

  private func coefficients(_ first: Double) -> String {
    ([first] + (1..<20).map { Double($0) / 64 }).map { "\($0)" }.joined(separator: " ")
  }

  @Test("a part of a raster lies where its pixels lay") func shifted() {
    var place = GeoReference()
    place.transform = [1000, 8, 3, 2000, 3, -8]
    place.controlPoints = [.init(identifier: "1", column: 9, row: 8, x: 1, y: 2, z: 3)]
    place.rationalPolynomials = ["LINE_OFF": "100", "SAMP_OFF": "50.5", "LAT_OFF": "1"]
    let part = place.shifted(column: 5, row: 7)
    #expect(part.transform == [1061, 8, 3, 1959, 3, -8])
    #expect(part.controlPoints.map { [$0.column, $0.row, $0.x] } == [[4, 1, 1]])
    #expect(part.rationalPolynomials == ["LINE_OFF": "93.0", "SAMP_OFF": "45.5", "LAT_OFF": "1"])
  }

  @Test("an abandoned file leaves nothing, and a finished one replaces its predecessor")
  func atomicity() throws {
    let path = folder.file("a.tif")
    let layout = RasterLayout(width: 600, height: 600, elementType: .uint8, bands: [""])
    var writer: RasterWriter? = try RasterWriter(path: path, layout: layout)
    try writer?.append([UInt8](repeating: 1, count: 600 * 520))
    #expect(try folder.names.count == 1)
    writer = nil
    #expect(try folder.names.isEmpty)
    for value in [UInt8(3), 4] {
      try write([UInt8](repeating: value, count: 360_000), layout, pieces: [600], to: path)
      #expect(try whole(RasterFile(path: path)).allSatisfy { $0 == Float(value) })
    }
    #expect(try folder.names == ["a.tif"])
  }

  @Test("what cannot be written is refused before anything is made") func refusals() throws {
    var layout = RasterLayout(width: 8, height: 8, elementType: .uint8, bands: [""])
    var error = #expect(throws: FormatError.self) {
      try RasterWriter(path: folder.file("none/a.tif"), layout: layout)
    }
    #expect(error?.category == .cannotCreate)
    layout.noData = -32768
    error = #expect(throws: FormatError.self) {
      try RasterWriter(path: folder.file("a.tif"), layout: layout)
    }
    #expect(error?.description.contains("-32768.0 in a raster of uint8") == true)
    #expect(try folder.names.isEmpty)
  }

  @Test("many files are opened and closed") func handles() throws {
    let layout = RasterLayout(width: 4, height: 4, elementType: .uint8, bands: [""])
    try write([UInt8](repeating: 1, count: 16), layout, pieces: [4], to: folder.file("a.tif"))
    let before = try Tool.openFiles()
    let file = try RasterFile(path: folder.file("a.tif"))
    for _ in 0..<10_000 {
      _ = try RasterReader(file).read(
        bands: [0], in: .init(column: 1, row: 1, width: 2, height: 2))
    }
    #expect(try Tool.openFiles() < before + 100)
  }
}
