import Formats
import Foundation

/// All layers of one chip, decoded.
struct StoredChip: Sendable {
  let pixels: PixelFile
  /// A stored number, as a recipe's `no_data`, in the values that are read.
  let decode: @Sendable (Float) -> Float
}

extension M3LEOComponent {
  /// All stored layers of one chip by name, as numbers that mean something.
  ///
  /// Sentinel-1: dB, whether stored as 16 bits (a negative number modulo 65536), as 8 bits
  /// (dB = v · 30/255 − 30) or as floating point. Elevation: 16 bits with a sign. NetCDF: scaled as
  /// the file declares, row 0 in the north, NaN for missing values, to which 0 belongs in gssic. Other
  /// values are as stored. The marker of missing values is the file's, else this component's.
  ///
  /// - Throws: `FormatError` where the file cannot be read, `M3LEOError.layerMissing`.
  package func open(_ path: String) throws -> PixelFile { try open(ChipFile(path: path)) }

  /// All stored layers of one chip, which may lie in a container.
  package func open(_ chip: ChipFile) throws -> PixelFile { try stored(chip).pixels }

  func stored(_ chip: ChipFile) throws -> StoredChip {
    let isNetCDF = suffixes.contains("nc") && (suffixes.count == 1 || chip.path.hasSuffix(".nc"))
    return isNetCDF ? try netCDF(chip) : try geoTIFF(chip)
  }

  private func geoTIFF(_ chip: ChipFile) throws -> StoredChip {
    let file = try chip.raster()
    // What lies in a container is taken out again rather than kept.
    let kept = chip.isOnDisk ? file : nil
    let decode = decoding(of: file.bands[0].storedType)
    let names = try names(of: file)
    var pixels = PixelFile(
      path: chip.path, width: file.width, height: file.height, bands: names,
      noData: file.bands.map { band in
        (band.noData ?? noData).map { Double(decode(Float($0))) }
      }
    ) { bands, window in
      try (kept ?? chip.raster()).read(bands: bands, in: window).map(decode)
    }
    pixels.geoReference = file.geoReference
    return StoredChip(pixels: pixels, decode: decode)
  }

  /// The file's descriptions; a file without them has the published order where that is sure.
  private func names(of file: RasterFile) throws -> [String] {
    let found = file.bands.map(\.name)
    switch kind {
    case .esaworldcover, .ghsbuilts, .srtmdem:
      guard let bands = expectedBands, bands.count == found.count else {
        throw FormatError.malformed(
          path: file.path, format: "M3LEO \(kind.rawValue)",
          reason: "\(found.count) bands in place of \(expectedBands?.count ?? 0)")
      }
      return Set(found) == Set(bands) ? found : bands
    default:
      if let unnamed = found.firstIndex(of: "") {
        throw M3LEOError.layerMissing(
          path: file.path, layer: "description of band \(unnamed + 1)",
          available: found.filter { !$0.isEmpty })
      }
      return found
    }
  }

  private func decoding(of storedType: String) -> @Sendable (Float) -> Float {
    let signed: @Sendable (Float) -> Float = { $0 >= 32768 ? $0 - 65536 : $0 }
    switch (kind, storedType) {
    case (.s1grd, "UInt16"), (.s1grdm, "UInt16"), (.srtmdem, "UInt16"): return signed
    case (.s1grd, "Byte"), (.s1grdm, "Byte"): return { Float(Double($0) * 30 / 255 - 30) }
    default: return { $0 }
    }
  }

  private func netCDF(_ chip: ChipFile) throws -> StoredChip {
    let layers = try NetCDFLayers(chip, layout: netCDFLayout)
    let zeroIsMissing = kind == .gssic
    var pixels = PixelFile(
      path: chip.path, width: layers.width, height: layers.height, bands: layers.layers.map(\.name),
      noData: layers.layers.map { _ in .nan }
    ) { bands, window in
      let values = try layers.read(bands, in: window)
      return zeroIsMissing ? values.map { $0 == 0 ? .nan : $0 } : values
    }
    pixels.geoReference = layers.geoReference
    return StoredChip(pixels: pixels) { $0 }
  }

  private var netCDFLayout: NetCDFLayout {
    switch kind {
    case .gssic:
      NetCDFLayout(
        variables: Kind.gssicVariables.map { .init(name: $0.name, dimensions: $0.dimensions) })
    case .gunw:
      NetCDFLayout(
        group: "science/grids/data",
        variables: Kind.gunwVariables.map { .init(name: $0, dimensions: ["datepair"]) })
    case .biomass:
      NetCDFLayout(variables: (expectedBands ?? []).map { .init(name: $0, dimensions: []) })
    default: NetCDFLayout()
    }
  }
}
