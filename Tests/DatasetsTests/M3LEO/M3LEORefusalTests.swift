import Datasets
import Recipes
import Testing

@Suite("M3LEO refusals")
struct M3LEORefusalTests {
  @Test(
    "what does not fit is refused with its place and the way out",
    arguments: [
      (
        "s1grd-2020", "pol: vv",
        "data.inputs.sar.pol: unknown key; did you mean data.inputs.sar.pols?"
      ),
      ("s1grd-2020", "pols: [vv, hh]", "expected vv, vh or vv-vh, found \"hh\""),
      ("s1grd-2020", "pols: [vv-vh, vv, vh]", "vv-vh stands without vv and vh before it"),
      ("s1grd-2020", "seasons: [winter, winter]", "one is named twice"),
      ("s1grd-2020", "seasons: [autum]", "expected winter, spring, summer or fall"),
      ("s1grd-2020", "months: [1]", "unknown key"),
      ("s2rgbm-2020", "months: [13]", "months.0: there is no such month; write 01 to 12"),
      ("s2rgbm-2020", "months: []", "nothing is chosen"),
      ("gssic", "variables: [coherense]", "did you mean coherence?"),
      (
        "gssic", "variables: coherence, select: {deltadays: [30]}",
        "no label of deltadays is called 30"
      ),
      ("gssic", "variables: coherence, select: {param: rho}", "coherence has no axis param"),
      ("gssic", "select: {days: 12}", "data.inputs.sar.select.days: unknown key"),
      ("gunw-2020-01", "variables: coherence", "sar.selection_rule: chips have pairs of their own"),
      ("gunw-2020-01", "variables: coherence, selection_rule: none", "write far, close or mean"),
      ("gunw-2020-01", "selection_rule: far", "no variable is chosen"),
      (
        "gunw-2020-01", "variables: coherence, selection_rule: far, min_days: 9, max_days: 3",
        "min_days is above max_days"
      ),
      (
        "gunw-2020-01", "variables: coherence, selection_rule: far, first_start_date: 20200230",
        "is no day"
      ),
      (
        "gunw-2020-01", "variables: coherence, event_start_date: 2020-02-10", "needs event_end_date"
      ),
      (
        "gunw-2020-01",
        "variables: coherence, min_days: 3, event_start_date: 2020-02-10, "
          + "event_end_date: 2020-02-10, event_pairs_mode: co", "belongs to a window"
      ),
      ("modis44b006veg", "years: [2015]", "expected a number in [2016, 2020]"),
      ("srtmdem", "percentiles: [98, 2]", "the first percentile is not below the second"),
    ])
  func refusals(component: String, yaml: String, text: String) {
    let (selection, errors) = M3LEOChips.selection(component, yaml)
    #expect(selection == nil)
    #expect(errors.contains { $0.contains(text) && $0.hasPrefix("recipe.yaml:1:") }, "\(errors)")
  }

  @Test("bands that do not fit are refused") func bandRefusals() {
    func errors(
      _ component: String, _ bands: [BandReference], _ yaml: String = "", variable: String? = nil
    ) -> String {
      let (selection, errors) = M3LEOChips.selection(
        component, yaml, bands: bands, variable: variable)
      #expect(selection == nil)
      return errors.joined(separator: "\n")
    }
    #expect(
      errors("s1grd-2020", [.name("sumer_vvasc")]).contains(
        "data.inputs.sar.bands: no band of s1grd-2020 is called sumer_vvasc; did you mean summer_vvasc?"
      ))
    #expect(errors("s1grd-2020", [.index(16)]).contains("no band 16 among the 16"))
    #expect(errors("s1grd-2020", [.name("fall_vvasc"), .index(12)]).contains("named twice"))
    #expect(errors("s1grd-2020", [.index(0)], "pols: vv").contains("bands and pols both choose"))
    #expect(errors("s2srm-2020", [.index(0)]).contains("give their names"))
    #expect(
      errors("gunw-2020-01", [.name("coherence_20200101_20200328")]).contains("later date first"))
    #expect(errors("s1grd-2020", [.name("a - b - c")]).contains("no difference of two bands"))
    #expect(
      M3LEOChips.selection("s1grd-2020", variable: "vv").errors.joined().contains("no variables"))
    #expect(
      M3LEOChips.selection("gssic", variable: "coherense").errors.joined().contains("did you mean"))
  }
}
