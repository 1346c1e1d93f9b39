import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport

/// Small chips as M3LEO lays them out, and recipes' inputs that select of them.
struct M3LEOChips {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A GeoTIFF of 3×2 pixels; `values` by band, row-major.
  func tif<Element: RasterElement>(
    name: String = "chip.tif", _ bands: [String], _ values: [[Element]]
  ) throws -> String {
    let path = folder.path(name)
    let layout = RasterLayout(
      width: 3, height: 2, elementType: Element.rasterElementType, bands: bands)
    let writer = try RasterWriter(path: path, layout: layout)
    try writer.append(Array(values.joined()))
    try writer.commit()
    return path
  }

  /// Sentinel-1 with the given order of bands: −(number of the band in the published order) − 1 dB plus
  /// 0 to 5 for the pixel, stored as 16 bits without a sign.
  func s1grd(_ bands: [String]? = nil) throws -> String {
    let published = M3LEOComponent(folder: "s1grd-2020")?.expectedBands ?? []
    let bands = bands ?? published
    return try tif(
      name: "s1.tif", bands,
      bands.map { band in
        let number = published.firstIndex(of: band) ?? 0
        return (0..<6).map { UInt16(bitPattern: Int16(-10 * (number + 1) + $0)) }
      })
  }

  /// A gunw chip of 3×2 pixels: layer values are 1000 · variable + 10 · pair + pixel.
  func gunw(_ pairs: [String], _ name: String = "gunw.nc") throws -> String {
    let path = folder.path(name)
    let writer = try HDF5Writer(path: path)
    let group = "science/grids/data/"
    try writer.writeTexts(group + "datepair", pairs)
    try writer.writeDataset(group + "latitude", shape: [2], values: [10.5, 10.25])
    try writer.writeDataset(group + "longitude", shape: [3], values: [20, 20.25, 20.5])
    for (number, variable) in ["amplitude", "coherence", "unwrappedPhase", "connectedComponents"]
      .enumerated()
    {
      let values = pairs.indices.flatMap { pair in
        (0..<6).map { Float(1000 * number + 10 * pair + $0) }
      }
      try writer.writeDataset(group + variable, shape: [pairs.count, 2, 3], values: values)
    }
    try writer.finish()
    return path
  }

  /// What an input's fields in YAML select of a component; nil with the errors where they are refused.
  static func selection(
    _ component: String, _ yaml: String = "", bands: [BandReference]? = nil,
    variable: String? = nil, noData: Double? = nil
  ) -> (selection: M3LEOSelection?, errors: [String]) {
    let diagnostics = Diagnostics()
    guard let component = M3LEOComponent(folder: component),
      let root = YAMLReader.read(
        "{\(yaml)}", source: "recipe.yaml", directory: ".", diagnostics: diagnostics)
    else { return (nil, ["no component"]) }
    let moved = root.moved(to: "data.inputs.sar")
    let reader = OptionReader(moved, [], diagnostics, rest: .deferred(owner: "m3leo"))
    let selection = M3LEOSelection(
      component, bands: bands, variable: variable, selections: reader.rest, noData: noData,
      at: "data.inputs.sar", diagnostics)
    return (selection, diagnostics.errors.map(\.description))
  }
}

extension PixelFile {
  /// All values of a band.
  func values(_ band: String) throws -> [Float] {
    guard let number = bands.firstIndex(of: band) else { return [] }
    return try values([number])
  }

  /// All values of some bands, of all where none is named.
  func values(_ numbers: [Int]? = nil) throws -> [Float] {
    let whole = RasterFile.Window(column: 0, row: 0, width: width, height: height)
    return try read(bands: numbers ?? Array(bands.indices), in: whole).elements(as: Float.self)
  }
}
