import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("M3LEO selections")
struct M3LEOSelectionTests {
  let chips: M3LEOChips

  init() throws { chips = try M3LEOChips() }

  private func channels(
    _ component: String, _ yaml: String = "", bands: [BandReference]? = nil, variable: String? = nil
  ) throws -> [String] {
    let (selection, errors) = M3LEOChips.selection(
      component, yaml, bands: bands, variable: variable)
    #expect(errors == [])
    return try #require(selection?.channels)
  }

  @Test("differences come first, then polarization, direction, season") func order() throws {
    let names = try channels("s1grd-2020", "pols: [vv, vh, vv-vh], directions: asc")
    let seasons = ["winter", "spring", "summer", "fall"]
    #expect(
      names == seasons.map { "\($0)_vvasc - \($0)_vhasc" } + seasons.map { "\($0)_vvasc" }
        + seasons.map { "\($0)_vhasc" })
    let both = try channels("s1grd-2020", "pols: [vh, vv, vv-vh], seasons: [fall, winter]")
    #expect(
      both == [
        "fall_vvasc - fall_vhasc", "fall_vvdes - fall_vhdes", "winter_vvasc - winter_vhasc",
        "winter_vvdes - winter_vhdes", "fall_vhasc", "winter_vhasc", "fall_vhdes", "winter_vhdes",
        "fall_vvasc", "winter_vvasc", "fall_vvdes", "winter_vvdes",
      ])
    #expect(try channels("s1grd-2020").count == 16)
    #expect(try channels("s1grd-2020", "directions: [des]").count == 12)
    #expect(
      try channels("s1grdm-2020-asc", "pols: [vv, vh, vv-vh], months: [7, '01']") == [
        "07_vv - 07_vh", "01_vv - 01_vh", "07_vv", "01_vv", "07_vh", "01_vh",
      ])
  }

  @Test("bands and differences are found by name in a permuted file") func permuted() throws {
    let (selection, errors) = M3LEOChips.selection(
      "s1grd-2020", "pols: [vv, vh, vv-vh], directions: asc")
    #expect(errors == [])
    let published = try #require(M3LEOComponent(folder: "s1grd-2020")?.expectedBands)
    let values = try #require(selection).open(chips.s1grd()).values()
    let again = try #require(selection).open(chips.s1grd(published.reversed()))
    #expect(try again.values() == values)
    #expect(again.bands.count == 12 && again.noData.count == 12)
    // Winter vv and vh ascending are the first and third published bands: −10 and −30 dB.
    #expect(values[0..<6].allSatisfy { $0 == 20 })
    #expect(values[24..<30] == [-10, -9, -8, -7, -6, -5])
    let picked = M3LEOChips.selection(
      "s1grd-2020", bands: [.name("summer_vvasc - summer_vhasc"), .index(1)]
    ).selection
    let file = try #require(picked).open(chips.s1grd(published.reversed()))
    #expect(file.bands == ["summer_vvasc - summer_vhasc", "winter_vvdes"])
    #expect(try file.values() == Array(repeating: 20, count: 6) + [-20, -19, -18, -17, -16, -15])
  }

  @Test("a difference is missing where a side is, and 0 where both are equal") func differences()
    throws
  {
    let path = try chips.tif(
      ["winter_vvasc", "winter_vhasc"],
      [[65526, 0, 65526, 0, 65530, 5], [65526, 65526, 0, 0, 65520, 5] as [UInt16]])
    let file = try #require(
      M3LEOChips.selection("s1grd-2020", bands: [.name("winter_vvasc - winter_vhasc")]).selection
    ).open(path)
    let values = try file.values()
    #expect(values[0] == 0 && values[4] == 10 && values[5] == 0)
    #expect(values[1...3].allSatisfy(\.isNaN) && file.noData.allSatisfy { $0?.isNaN == true })
    // Another marker makes 0 dB a value.
    let marked = try #require(
      M3LEOChips.selection(
        "s1grd-2020", bands: [.name("winter_vvasc - winter_vhasc")], noData: 65530
      ).selection
    ).open(path).values()
    #expect(marked[4].isNaN && marked[1] == 10 && marked[3] == 0)
  }

  @Test("the marker of 8-bit files is meant as stored") func byteMarker() throws {
    let path = try chips.tif(
      name: "u8.tif", ["01_vv", "01_vh"],
      [
        [0, 255, 51, 102, 153, 204], [255, 0, 51, 102, 153, 204] as [UInt8],
      ])
    let selection = M3LEOChips.selection("s1grdm-2020-asc", bands: [.name("01_vv")]).selection
    let values = try #require(selection).open(path).values()
    #expect(values[0].isNaN && values[1] == 0)
  }

  @Test("summarized seasons are means by name, sorted, that pass over missing values")
  func summary() throws {
    let fields = "pols: [vv, vh, vv-vh], directions: asc, seasons: [winter, fall], "
    let names = try channels("s1grd-2020", fields + "summarize_seasons: true")
    #expect(
      names == [
        "winter+fall_vhasc", "winter+fall_vvasc - winter+fall_vhasc", "winter+fall_vvasc",
      ])
    let path = try chips.tif(
      ["winter_vvasc", "fall_vvasc", "winter_vhasc", "fall_vhasc"],
      [
        [10, 20, 0, 10, 10, 10], [20, 20, 30, 0, 10, 10], [5, 5, 5, 5, 5, 0],
        [6, 6, 6, 6, 6, 0] as [UInt16],
      ])
    let selection = M3LEOChips.selection("s1grd-2020", fields + "summarize_seasons: true").selection
    let values = try #require(selection).open(path).values()
    #expect(values[0..<5] == [5.5, 5.5, 5.5, 5.5, 5.5] && values[5].isNaN)
    #expect(values[6..<11] == [9.5, 14.5, 24, 5, 4.5] && values[11].isNaN)
    #expect(values[12...] == [15, 20, 30, 10, 10, 10])
  }

  @Test("months come in the order asked for, groups as means") func months() throws {
    #expect(
      try channels("s2rgbm-2020", "months: ['06', 3]") == [
        "06_red", "06_green", "06_blue", "03_red", "03_green", "03_blue",
      ])
    let fields = "months: [[12, 1], [6]]"
    #expect(
      try channels("s2rgbm-2020", fields) == [
        "12+01_red", "12+01_green", "12+01_blue", "06_red", "06_green", "06_blue",
      ])
    let bands =
      ["01_red", "01_green", "01_blue", "06_red", "06_green", "06_blue"]
      + ["12_red", "12_green", "12_blue"]
    let path = try chips.tif(
      name: "s2.tif", bands,
      bands.indices.map { number in
        (0..<6).map { UInt8($0 == 0 && number < 3 ? 0 : 10 * number + $0) }
      })
    let selection = M3LEOChips.selection("s2rgbm-2020", fields).selection
    let values = try #require(selection).open(path).values()
    // January is missing in the first pixel.
    #expect(values[0..<6] == [60, 31, 32, 33, 34, 35])
    #expect(values[18..<24] == [30, 31, 32, 33, 34, 35])
    #expect(try channels("s2rgb-2020", "seasons: summer").first == "summer_red")
  }

  @Test("labels select of gssic, the first axis slowest, whatever the file's order") func labels()
    throws
  {
    #expect(
      try channels("gssic", "variables: [coherence], select: {deltadays: [36]}") == [
        "coherence_summer_36", "coherence_winter_36", "coherence_fall_36", "coherence_spring_36",
      ])
    let names = try channels(
      "gssic",
      "variables: [geometry, decaymodel], select: {season: [fall, summer], param: [tau, rho]}")
    #expect(
      names == [
        "geometry_inc", "geometry_lsmap", "decaymodel_fall_tau", "decaymodel_fall_rho",
        "decaymodel_summer_tau", "decaymodel_summer_rho",
      ])
    #expect(try channels("gssic", variable: "amplitude").count == 8)
    let golden = PackageFolder.url("Tests/DatasetsTests/Golden/gssic.nc").path
    let selection = M3LEOChips.selection(
      "gssic", "variables: coherence, select: {season: [summer, winter], deltadays: 24}"
    ).selection
    let file = try #require(selection).open(golden)
    #expect(file.bands == ["coherence_summer_24", "coherence_winter_24"])
    #expect(try file.values()[5] == 1211.2 && file.values()[11] == 1011.2)
    // The same numbers from a file that stores the published order.
    let published = ["summer", "fall", "winter", "spring"]
    let path = chips.folder.path("published.nc")
    let writer = try HDF5Writer(path: path)
    try writer.writeDataset("y", shape: [2], values: [45, 44])
    try writer.writeDataset("x", shape: [3], values: [7, 8, 9])
    try writer.writeTexts("season", published)
    try writer.writeDataset("deltadays", shape: [4], values: [12, 24, 36, 48])
    let own = try #require(M3LEOComponent(folder: "gssic")).open(golden)
    let values = try published.flatMap { season in
      try [12, 24, 36, 48].flatMap { try own.values("coherence_\(season)_\($0)") }
    }
    try writer.writeDataset(
      "coherence", shape: [4, 4, 2, 3], values: values.map { $0.isNaN ? 0 : $0 })
    try writer.finish()
    let (here, there) = try (file.values(), #require(selection).open(path).values())
    #expect(here.map(\.bitPattern) == there.map(\.bitPattern))
  }

  @Test("windows pick by span, not by the file's order") func windows() throws {
    let pairs = [
      "20200328_20200316", "20200328_20190930", "20200328_20200128", "20200328_20200222",
    ]
    let path = try chips.gunw(pairs)
    func values(_ rule: String, _ window: String = "min_days: 0, max_days: 60") throws -> [Float] {
      let (selection, errors) = M3LEOChips.selection(
        "gunw_2020-01-01_2020-03-31",
        "variables: [unwrappedPhase], \(window), selection_rule: \(rule)")
      #expect(errors == [])
      return try #require(selection).open(path).values()
    }
    #expect(try values("far")[0] == 2020)
    #expect(try values("close")[0] == 2000)
    #expect(try values("mean")[0] == Float(2000 + 2020 + 2030) / 3)
    #expect(try values("far", "min_days: 140, max_days: 216")[0] == 2010)
    #expect(try values("far", "last_start_date: 20200222, first_start_date: '20200101'")[0] == 2020)
  }

  @Test("channels of pairs have the same names for every chip") func pairNames() throws {
    let fields =
      "variables: [unwrappedPhase, coherence], min_days: 0, max_days: 60, selection_rule: far"
    #expect(
      try channels("gunw-2020-01", fields) == ["unwrappedPhase far 0-60", "coherence far 0-60"])
    #expect(
      try channels(
        "gunw-2020-01", "variables: coherence, selection_rule: mean, first_end_date: 2020-03-01")
        == ["coherence mean 0-9999, end 20200301.."])
    #expect(
      try channels("gunw-2020-01", bands: [.name("coherence_20200328_20200316")])
        == ["coherence_20200328_20200316"])
    let (selection, _) = M3LEOChips.selection("gunw-2020-01", fields)
    let first = try #require(selection).open(chips.gunw(["20200328_20200316"], "a.nc"))
    let second = try #require(selection).open(
      chips.gunw(["20200104_20191211", "20200328_20200222"], "b.nc"))
    #expect(first.bands == second.bands && second.bands == selection?.channels)
    #expect(try second.values()[0] == 2010)
  }

  @Test("a chip without a pair in the window is refused with its pairs") func emptyWindow() throws {
    let (selection, _) = M3LEOChips.selection(
      "gunw-2020-01", "variables: [coherence], min_days: 72, max_days: 132, selection_rule: far")
    let path = try chips.gunw(["20200328_20200316", "20200328_20200222"])
    let error = #expect(throws: M3LEOError.self) { try selection?.open(path) }
    #expect(
      error?.description
        == "\(path): no pair of dates with far 72-132 (the file has 20200328_20200316 of 12 days, "
        + "20200328_20200222 of 35 days). Widen the window of the input, or leave such chips out with "
        + "data.on_bad: skip.")
    #expect(error?.exitCode == .malformedData)
  }

  @Test("an event takes the nearest pairs before, across and after it") func events() throws {
    let (selection, errors) = M3LEOChips.selection(
      "gunw-2020-01",
      "variables: [coherence], event_start_date: 2020-02-10, event_end_date: 2020-02-12, "
        + "event_pairs_mode: [pos, pre, co]")
    #expect(errors == [])
    let path = try chips.gunw([
      "20200110_20191211",  // ends a month before
      "20200209_20191211", "20200209_20200104",  // both end on the eve
      "20200301_20200104", "20200220_20200201",  // across it
      "20200328_20200213", "20200310_20200213", "20200328_20200220",  // after it
      "20200215_20200212",  // begins while it lasts
    ])
    let file = try #require(selection).open(path)
    #expect(
      file.bands == [
        "coherence pos 20200210-20200212", "coherence pre 20200210-20200212",
        "coherence co 20200210-20200212",
      ])
    let values = try file.values()
    #expect([values[0], values[6], values[12]] == [1060, 1020, 1040])
  }

  @Test("years of tree cover without water") func treeCover() throws {
    let bands = (2016...2020).map { "Percent_Tree_Cover_\($0)" }
    let path = try chips.tif(
      name: "veg.tif", bands, bands.indices.map { [200, 253, UInt8($0), 100, 0, 1] })
    let selection = M3LEOChips.selection("modis44b006veg", "years: [2020, 2016]").selection
    let file = try #require(selection).open(path)
    #expect(file.bands == ["Percent_Tree_Cover_2020", "Percent_Tree_Cover_2016"])
    let values = try file.values()
    #expect(values[0] == 0 && values[1].isNaN && values[2...5] == [4, 100, 0, 1])
    let wet = M3LEOChips.selection(
      "modis44b006veg", "year: 2018, convert_water_to_zero: false"
    ).selection
    #expect(try wet?.open(path).values()[0] == 200)
  }

  @Test("biomass alone is taken unless its error is asked for") func biomass() throws {
    #expect(try channels("biomass-2020") == ["agb"])
    #expect(try channels("biomass-2020", "variables: [agb_se, agb]") == ["agb_se", "agb"])
    #expect(try channels("srtmdem") == ["elevation", "slope"])
  }

  @Test("percentiles are those of the whole channel of a chip") func percentiles() throws {
    let path = try chips.tif(
      ["winter_vvasc"], [[65535, 65534, 0, 65533, 65532, 65531] as [UInt16]])
    let (selection, errors) = M3LEOChips.selection(
      "s1grd-2020", "percentiles: [25, 75]", bands: [.name("winter_vvasc")])
    #expect(errors == [])
    let file = try #require(selection).open(path)
    // −1 … −5 without the missing one: quarters at −4 and −2.
    let values = try file.values()
    #expect(values[2].isNaN && values.filter { !$0.isNaN } == [1.5, 1, 0.5, 0, -0.5])
    let window = RasterFile.Window(column: 1, row: 1, width: 2, height: 1)
    #expect(try file.read(bands: [0], in: window).elements(as: Float.self) == [0, -0.5])
    let constant = try chips.tif(
      name: "constant.tif", ["winter_vvasc"], [[7, 7, 7, 7, 7, 7] as [UInt16]])
    #expect(throws: M3LEOError.percentilesEqual(path: constant, channel: "winter_vvasc", value: 7))
    {
      try selection?.open(constant).values()
    }
    // Between two values, and up to the last.
    let ends = try #require(
      M3LEOChips.selection(
        "s1grd-2020", "percentiles: [10, 100]", bands: [.name("winter_vvasc")]
      ).selection)
    let scaled = try ends.open(path).values()
    #expect(abs(scaled[5] + 0.4 / 3.6) < 1e-6 && scaled[0] == 1)
  }

  @Test("a layer that a chip lacks is named with those it has") func missingLayer() throws {
    let path = try chips.s1grd(["winter_vvasc", "winter_vhasc"])
    let error = #expect(throws: M3LEOError.self) {
      try M3LEOChips.selection("s1grd-2020", "pols: vv, directions: des").selection?.open(path)
    }
    #expect(
      error?.description.hasPrefix(
        "\(path): layer 'winter_vvdes' not found (the file has winter_vvasc, winter_vhasc)") == true
    )
  }
}
