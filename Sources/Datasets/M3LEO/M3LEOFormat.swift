package import Recipes

/// The published layout of M3LEO: areas, components, chips (arXiv 2406.04230).
package enum M3LEOFormat: RasterFormat {
  package static let name = "m3leo"
  package static let summary = "M3LEO: chips by area and component, SAR, optical and labels"
  package static let suffixes = ["tif", "nc"]
  package static let options: OptionTable = [
    Option(
      "areas", .list(.text), default: .described("all"), "folders below root, in this order"),
    Option(
      "stats_by", .choice(M3LEOCatalog.StatisticsScope.self), default: "area",
      "whether each area is normalized by its own statistics"),
  ]
  package static var catalog: any RasterCatalog.Type { M3LEOCatalog.self }

  /// Opens a chip by the component whose folder it lies in, with all its layers.
  package static func open(_ path: String) throws -> PixelFile {
    let folder = path.split(separator: "/").dropLast().last.map(String.init) ?? ""
    guard let component = M3LEOComponent(folder: folder) else {
      throw DataError.layoutUnknown(
        path: path, format: name, expected: "a chip in the folder of a component",
        available: [folder])
    }
    return try component.open(path)
  }
}
