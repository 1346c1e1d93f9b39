import Foundation

/// GDAL's command-line tools, where the machine has them.
enum Tool {
  /// Path of `gdalinfo`.
  static let gdalinfo: URL? = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":")
    .map { URL(filePath: String($0)).appending(path: "gdalinfo") }
    .first { FileManager.default.isExecutableFile(atPath: $0.path) }

  /// Of what `gdalinfo -json` prints.
  struct Information: Decodable {
    struct Band: Decodable {
      struct ColorTable: Decodable { let entries: [[Int]] }
      let type: String
      let description: String?
      let noDataValue: Double?
      let colorTable: ColorTable?
    }
    struct Catalog: Decodable {
      let epsg: Int?
      enum CodingKeys: String, CodingKey { case epsg = "proj:epsg" }
    }
    let size: [Int]
    let geoTransform: [Double]?
    let bands: [Band]
    let metadata: [String: [String: String]]
    let stac: Catalog?
  }

  /// Number of files that this process holds open.
  static func openFiles() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
  }
}
