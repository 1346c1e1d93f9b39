import Datasets
import Foundation
import Formats
import Tensors
import TestSupport
import Testing

@Suite("M3LEO components")
struct M3LEOComponentTests {
  @Test(
    "a folder's name says what it holds",
    arguments: [
      ("s1grd-2018", M3LEOComponent.Kind.s1grd, "tif"), ("s1grdm-2020-asc", .s1grdm, "tif"),
      ("s2rgbm-2021", .s2rgbm, "tif"), ("s2rgb-2020", .s2rgb, "tif"), ("s2srm-2019", .s2srm, "tif"),
      ("gssic", .gssic, "nc"), ("gunw_2020-01-01_2020-03-31", .gunw, "nc"),
      ("gunw-2020-01", .gunw, "nc"), ("gunw-2020-01-01_2020-03-31", .gunw, "nc"),
      ("gunw48-2018-12", .gunw, "nc"), ("srtmdem", .srtmdem, "tif"), ("strmdem", .srtmdem, "tif"),
      ("esaworldcover-2021", .esaworldcover, "tif"), ("biomass-2018", .biomass, "nc"),
      ("modis44b006veg", .modis44b006veg, "tif"), ("ghsbuilts-2020", .ghsbuilts, "tif"),
      ("ghs-built-S-2020", .ghsbuilts, "tif"), ("firecci51", .firecci51, "tif"),
      ("globalfloods-2018", .globalfloods, "tif"), ("lcci-2019", .lcci, "tif"),
    ])
  func names(folder: String, kind: M3LEOComponent.Kind, suffix: String) throws {
    let component = try #require(M3LEOComponent(folder: folder))
    #expect(component.kind == kind && component.suffixes.first == suffix)
    #expect(component.fileNames(for: "0ab").first == "0ab.\(suffix)")
    #expect(component.spellings.first == folder)
    #expect(component.spellings.allSatisfy { M3LEOComponent(folder: $0)?.kind == kind })
  }

  @Test(
    "other names are no component",
    arguments: ["s1grd", "s1grd-20", "s1grd-2020-asc", "S1GRD-2020", "gunw_2020", "s1grd-202x", ""])
  func strangers(folder: String) { #expect(M3LEOComponent(folder: folder) == nil) }

  @Test("published bands are those of the data set's description") func bands() throws {
    func bands(_ folder: String) -> [String] { M3LEOComponent(folder: folder)?.expectedBands ?? [] }
    #expect(
      bands("s1grd-2020").prefix(5) == [
        "winter_vvasc", "winter_vvdes", "winter_vhasc", "winter_vhdes", "spring_vvasc",
      ])
    #expect(bands("s1grd-2020").count == 16 && bands("s1grdm-2020-asc").count == 24)
    #expect(bands("s1grdm-2020-asc").suffix(2) == ["12_vv", "12_vh"])
    #expect(bands("s2rgbm-2020").count == 36 && bands("s2rgbm-2020")[3] == "02_red")
    #expect(bands("gssic").count == 38 && bands("gssic")[8] == "coherence_summer_12")
    #expect(bands("firecci51").count == 15 && bands("modis44b006veg").count == 5)
    #expect(M3LEOComponent(folder: "gunw-2020-01")?.expectedBands == nil)
    #expect(M3LEOComponent.list.count == M3LEOComponent.Kind.allCases.count)
  }

  @Test("markers stand where a chip is absent for a reason") func markers() {
    #expect(M3LEOComponent(folder: "gssic")?.marker(for: "0ab") == "0ab.skipped")
    #expect(M3LEOComponent(folder: "firecci51")?.marker(for: "0ab") == "0ab.tif.nodata")
    #expect(M3LEOComponent(folder: "srtmdem")?.marker(for: "0ab") == nil)
    #expect(M3LEOComponent(folder: "gssic")?.absence == .normalIfMarked)
    #expect(M3LEOComponent(folder: "gunw-2020-01")?.absence == .normal)
    #expect(M3LEOComponent(folder: "srtmdem")?.absence == .defect)
  }
}

@Suite("M3LEO chips")
struct M3LEOReadingTests {
  let chips: M3LEOChips

  init() throws { chips = try M3LEOChips() }

  private func open(_ folder: String, _ path: String) throws -> PixelFile {
    try #require(M3LEOComponent(folder: folder)).open(path)
  }

  @Test("16 bits of Sentinel-1 are negative decibels") func decibels() throws {
    let path = try chips.tif(["winter_vvasc"], [[65524, 0, 3, 32768, 65535, 65286] as [UInt16]])
    let file = try open("s1grd-2020", path)
    #expect(try file.values() == [-12, 0, 3, -32768, -1, -250])
    #expect(file.bands == ["winter_vvasc"] && file.noData == [0])
  }

  @Test("8 bits of Sentinel-1 are linear in decibels, floating point is decibels")
  func otherDecibels() throws {
    let bytes = try chips.tif(name: "u8.tif", ["01_vv"], [[0, 255, 51, 102, 153, 204] as [UInt8]])
    let file = try open("s1grdm-2020-asc", bytes)
    #expect(try file.values() == [-30, 0, -24, -18, -12, -6])
    #expect(file.noData == [-30])
    let floats = try chips.tif(name: "f.tif", ["01_vv"], [[-12.5, 0, 1, 2, 3, 4] as [Float]])
    #expect(try open("s1grdm-2020-asc", floats).values() == [-12.5, 0, 1, 2, 3, 4])
  }

  @Test("elevations below the sea have a sign, bands go by their place where they have no names")
  func elevation() throws {
    let path = try chips.tif(
      ["", ""], [[65535, 0, 1, 2, 3, 8848], [1, 2, 3, 4, 5, 6] as [UInt16]])
    let file = try open("strmdem", path)
    #expect(file.bands == ["elevation", "slope"] && file.noData == [nil, nil])
    #expect(try file.values("elevation") == [-1, 0, 1, 2, 3, 8848])
    let named = try chips.tif(
      name: "named.tif", ["slope", "elevation"],
      [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12] as [UInt16]])
    #expect(try open("srtmdem", named).values("slope") == [1, 2, 3, 4, 5, 6])
    let one = try chips.tif(name: "one.tif", [""], [[1, 2, 3, 4, 5, 6] as [UInt16]])
    #expect(throws: FormatError.self) { try open("srtmdem", one) }
  }

  @Test("bands without names are refused where their order is not sure") func unnamed() throws {
    let path = try chips.tif(
      ["01_red", ""], [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6] as [UInt8]])
    let error = #expect(throws: M3LEOError.self) { try open("s2rgbm-2020", path) }
    #expect(error?.description.contains("description of band 2") == true)
    let map = try chips.tif(name: "map.tif", [""], [[10, 20, 95, 100, 0, 50] as [UInt8]])
    let cover = try open("esaworldcover-2021", map)
    #expect(cover.bands == ["Map"] && cover.noData == [0])
    #expect(try cover.values() == [10, 20, 95, 100, 0, 50])
  }

  @Test("layers of gssic are found by their labels, whatever the order of labels and axes")
  func labels() throws {
    let file = try open("gssic", PackageFolder.url("Tests/DatasetsTests/Golden/gssic.nc").path)
    #expect(file.width == 3 && file.height == 2 && file.bands.count == 38)
    #expect(Set(file.bands) == Set(M3LEOComponent(folder: "gssic")?.expectedBands ?? []))
    // Summer is the file's third season, 24 days its second interval, vv its second polarization.
    let coherence = try file.values("coherence_summer_24")
    #expect(coherence[0].isNaN)
    #expect(coherence.dropFirst() == [1210.1, 1210.2, 1211, 1211.1, 1211.2])
    #expect(try file.values("amplitude_summer_vv").last == 2121.2)
    #expect(try file.values("decaymodel_fall_tau").first == 3310)
    let code = try file.values("geometry_lsmap")
    #expect(code[4].isNaN && code[5] == 4011.2)
    #expect(file.noData.allSatisfy { $0?.isNaN == true })
    let transform = try #require(file.geoReference.transform)
    let step = 1.0 / 1200
    for (found, expected) in zip(transform, [7 - step / 2, step, 0, 45 + step / 2, 0, -step]) {
      #expect(abs(found - expected) < 1e-12)
    }
    #expect(file.geoReference.system.contains("4326"))
  }

  @Test("a window of any layers is the part of the whole") func windows() throws {
    let file = try open("gssic", PackageFolder.url("Tests/DatasetsTests/Golden/gssic.nc").path)
    let part = try file.read(
      bands: [20, 3], in: RasterFile.Window(column: 1, row: 1, width: 2, height: 1))
    let all = [try file.values([20]), try file.values([3])]
    #expect(part.shape == [2, 1, 2])
    #expect(part.elements(as: Float.self) == [all[0][4], all[0][5], all[1][4], all[1][5]])
  }

  @Test("rows from the south are turned, packed numbers are scaled, fill values are missing")
  func biomass() throws {
    let file = try open(
      "biomass-2020", PackageFolder.url("Tests/DatasetsTests/Golden/biomass.nc").path)
    #expect(file.bands == ["agb", "agb_se"])
    let biomass = try file.values("agb")
    #expect(biomass[1].isNaN && biomass[0] == 12 && biomass.dropFirst(2) == [13, 10.5, 11, 11.5])
    let window = RasterFile.Window(column: 2, row: 1, width: 1, height: 1)
    #expect(try file.read(bands: [0], in: window).elements(as: Float.self) == [11.5])
    let transform = try #require(file.geoReference.transform)
    #expect(abs(transform[3] - (10 + 1.5 / 1125)) < 1e-12 && transform[5] < 0)
  }

  @Test("interferograms are called by variable and dates") func interferograms() throws {
    let path = try chips.gunw(["20200328_20200104", "20200328_20200316"])
    let file = try open("gunw_2020-01-01_2020-03-31", path)
    #expect(file.bands.count == 8 && file.bands[4] == "unwrappedPhase_20200328_20200104")
    #expect(
      try file.values("unwrappedPhase_20200328_20200316") == [2010, 2011, 2012, 2013, 2014, 2015])
    #expect(file.geoReference.transform == [19.875, 0.25, 0, 10.625, 0, -0.25])
  }

  @Test("a file without the grid or the variables names what it lacks") func foreign() throws {
    let path = chips.folder.path("foreign.nc")
    let writer = try HDF5Writer(path: path)
    try writer.writeDataset("agb", shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    try writer.writeDataset("lat", shape: [2], values: [1, 0])
    try writer.finish()
    var error = #expect(throws: FormatError.self) { try open("biomass-2020", path) }
    #expect(error?.description.contains("x or lon or longitude") == true)
    let uneven = chips.folder.path("uneven.nc")
    let second = try HDF5Writer(path: uneven)
    try second.writeDataset("agb", shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    try second.writeDataset("lat", shape: [2], values: [1, 0])
    try second.writeDataset("lon", shape: [3], values: [0, 1, 3])
    try second.finish()
    error = #expect(throws: FormatError.self) { try open("biomass-2020", uneven) }
    #expect(error?.description.contains("evenly spaced") == true)
    #expect(throws: FormatError.self) { try open("gssic", uneven) }
    #expect(throws: FormatError.self) { try open("gssic", chips.folder.path("absent.nc")) }
  }

  @Test("a variable on another grid, and labels that are too few, are refused") func shapes() throws
  {
    let path = chips.folder.path("shapes.nc")
    let writer = try HDF5Writer(path: path)
    try writer.writeDataset("y", shape: [2], values: [1, 0])
    try writer.writeDataset("x", shape: [3], values: [0, 1, 2])
    try writer.writeTexts("feature", ["inc"])
    try writer.writeDataset("geometry", shape: [2, 2, 3], values: (0..<12).map { Float($0) })
    try writer.finish()
    var error = #expect(throws: FormatError.self) { try open("gssic", path) }
    #expect(error?.description.contains("'feature' has shape [1] for an axis of 2") == true)
    let other = chips.folder.path("other.nc")
    let second = try HDF5Writer(path: other)
    try second.writeDataset("y", shape: [2], values: [1, 0])
    try second.writeDataset("x", shape: [3], values: [0, 1, 2])
    try second.writeTexts("feature", ["inc", "lsmap"])
    try second.writeDataset("geometry", shape: [2, 3, 2], values: (0..<12).map { Float($0) })
    try second.finish()
    error = #expect(throws: FormatError.self) { try open("gssic", other) }
    #expect(error?.description.contains("2 rows") == true)
  }
}
