internal import CGDAL
import Foundation

extension GeoReference {
  private static let centerKey = "AREA_OR_POINT"

  /// Longitude and latitude in degrees (EPSG:4326) as well-known text; empty where GDAL or
  /// its table of coordinate systems is not installed.
  package static let degrees: String = {
    guard GDAL.failure == nil else { return "" }
    return GDAL.quietly {
      guard let system = OSRNewSpatialReference(nil) else { return "" }
      defer { OSRDestroySpatialReference(system) }
      return OSRImportFromEPSG(system, 4326) == OGRERR_NONE ? text(of: system) : ""
    }
  }()

  /// What an open raster states.
  init(of dataset: GDALDatasetH) {
    system = Self.text(of: GDALGetSpatialRef(dataset))
    var numbers = [Double](repeating: 0, count: 6)
    if GDALGetGeoTransform(dataset, &numbers) == CE_None { transform = numbers }
    if let points = GDALGetGCPs(dataset) {
      controlPoints = (0..<Int(GDALGetGCPCount(dataset))).map { index in
        let point = points[index]
        return ControlPoint(
          identifier: point.pszId.map { String(cString: $0) } ?? "",
          column: point.dfGCPPixel, row: point.dfGCPLine,
          x: point.dfGCPX, y: point.dfGCPY, z: point.dfGCPZ)
      }
    }
    controlPointSystem = Self.text(of: GDALGetGCPSpatialRef(dataset))
    rationalPolynomials = GDAL.metadata(dataset, domain: "RPC")
    refersToPixelCenters =
      GDAL.metadata(dataset, domain: nil)[Self.centerKey]?.lowercased() == "point"
  }

  /// Gives a raster under construction this place; false where GDAL refuses, with the reason in its
  /// last message.
  func apply(to dataset: GDALDatasetH) -> Bool {
    if refersToPixelCenters, GDALSetMetadataItem(dataset, Self.centerKey, "Point", nil) != CE_None {
      return false
    }
    for (key, value) in rationalPolynomials.sorted(by: { $0.key < $1.key }) {
      guard GDALSetMetadataItem(dataset, key, value, "RPC") == CE_None else { return false }
    }
    // A GeoTIFF holds a transform or control points, not both.
    if transform == nil, !controlPoints.isEmpty {
      return Self.withSystem(controlPointSystem) { setControlPoints(dataset, $0) }
    }
    if var transform, GDALSetGeoTransform(dataset, &transform) != CE_None { return false }
    return Self.withSystem(system) { system in
      system == nil || GDALSetSpatialRef(dataset, system) == CE_None
    }
  }

  private func setControlPoints(_ dataset: GDALDatasetH, _ system: OGRSpatialReferenceH?) -> Bool {
    let identifiers = controlPoints.map { strdup($0.identifier) }
    let information = strdup("")
    defer { for text in identifiers + [information] { free(text) } }
    let points = zip(controlPoints, identifiers).map { point, identifier in
      GDAL_GCP(
        pszId: identifier, pszInfo: information, dfGCPPixel: point.column, dfGCPLine: point.row,
        dfGCPX: point.x, dfGCPY: point.y, dfGCPZ: point.z)
    }
    return GDALSetGCPs2(dataset, Int32(points.count), points, system) == CE_None
  }

  /// Well-known text of a system, empty for none.
  private static func text(of system: OGRSpatialReferenceH?) -> String {
    guard let system else { return "" }
    var text: UnsafeMutablePointer<CChar>?
    let format = strdup("FORMAT=WKT2_2019")
    defer {
      free(format)
      VSIFree(text)
    }
    let options: [UnsafePointer<CChar>?] = [UnsafePointer(format), nil]
    guard OSRExportToWktEx(system, &text, options) == OGRERR_NONE, let text else { return "" }
    return String(cString: text)
  }

  /// Calls `body` with the system of a text, with none for an empty text; false for an unreadable one.
  private static func withSystem(
    _ text: String, _ body: (OGRSpatialReferenceH?) -> Bool
  ) -> Bool {
    guard !text.isEmpty else { return body(nil) }
    guard let system = OSRNewSpatialReference(nil) else { return false }
    defer { OSRDestroySpatialReference(system) }
    OSRSetAxisMappingStrategy(system, OAMS_TRADITIONAL_GIS_ORDER)
    let copy = strdup(text)
    defer { free(copy) }
    var rest = copy
    guard OSRImportFromWkt(system, &rest) == OGRERR_NONE else { return false }
    return body(system)
  }
}
