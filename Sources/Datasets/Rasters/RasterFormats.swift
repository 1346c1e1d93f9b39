package import Recipes

/// A layout of raster files; formats differ in how a file is opened and how files lie in folders.
package protocol RasterFormat: DataFormat {
  /// Ends of file names, without the dot, which a folder is searched for.
  static var suffixes: [String] { get }
  /// Opens and describes one file.
  static func open(_ path: String) throws -> PixelFile
  /// How the files lie in folders.
  static var catalog: any RasterCatalog.Type { get }
}

extension RasterFormat {
  package static var options: OptionTable { [] }
  package static var catalog: any RasterCatalog.Type { PatternCatalog.self }

  package static func plan(
    _ section: DataSection, target: TargetKind, _ diagnostics: Diagnostics
  ) -> (any DataSetPlan)? { RasterOptions(section, target, format: self, diagnostics) }
}

/// Pictures in folders: PNG of 8 or 16 bits, and JPEG, which GDAL decodes.
package enum ImageFolderFormat: RasterFormat {
  package static let name = "image-folder"
  package static let summary = "PNG pictures of 8 or 16 bits, and JPEG, in folders"
  package static let suffixes = ["png", "jpg", "jpeg"]

  package static func open(_ path: String) throws -> PixelFile {
    FileSearch.hasSuffix(path, among: ["jpg", "jpeg"])
      ? try .jpeg(path: path) : try .png(path: path)
  }
}

/// GeoTIFF files, and every other raster that GDAL opens.
package enum GeoTIFFFormat: RasterFormat {
  package static let name = "geotiff"
  package static let summary = "GeoTIFF, and any other raster that GDAL opens, one file or many"
  package static let suffixes = ["tif", "tiff", "jp2", "img", "vrt"]

  package static func open(_ path: String) throws -> PixelFile { try .raster(path: path) }
}
