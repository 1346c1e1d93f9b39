extension M3LEOComponent.Kind {
  /// What is known of a kind before a file is opened.
  struct Facts: Sendable {
    let patterns: [String]
    let summary: String
    var suffixes = ["tif"]
    var grid = M3LEOComponent.Grid.tenMeters
    var bands: [String]?
    var unit = "other"
    var noData: Double?
    var reflectanceScale: Double?
    var absence = M3LEOComponent.Absence.defect
    /// Ending of marker files, without the first dot.
    var marker: String?
  }

  static let seasons = ["winter", "spring", "summer", "fall"]
  static let months = (1...12).map { $0 < 10 ? "0\($0)" : "\($0)" }
  static let colors = ["red", "green", "blue"]
  static let polarizations = ["vv", "vh"]
  static let directions = ["asc", "des"]
  static let treeCoverYears = 2016...2020

  /// Spacing of the interferometric products: 3 arc-seconds, in degrees.
  private static let arcSeconds3 = 1.0 / 1200

  var facts: Facts {
    switch self {
    case .s1grd:
      Facts(
        patterns: ["s1grd-####"],
        summary: "Sentinel-1 backscatter in dB, composites of four seasons, both directions",
        bands: Self.seasons.flatMap { season in
          Self.polarizations.flatMap { polarization in
            Self.directions.map { "\(season)_\(polarization)\($0)" }
          }
        }, unit: "db", noData: 0)
    case .s1grdm:
      Facts(
        patterns: ["s1grdm-####-asc"],
        summary: "Sentinel-1 backscatter in dB, monthly composites, ascending",
        bands: Self.months.flatMap { month in Self.polarizations.map { "\(month)_\($0)" } },
        unit: "db", noData: 0)
    case .s2rgbm:
      Facts(
        patterns: ["s2rgbm-####"],
        summary: "Sentinel-2 red, green, blue, monthly medians; 255 is a reflectance of 0.3",
        bands: Self.months.flatMap { month in Self.colors.map { "\(month)_\($0)" } },
        unit: "dn", noData: 0, reflectanceScale: 0.3 / 255)
    case .s2rgb:
      Facts(
        patterns: ["s2rgb-####"],
        summary: "Sentinel-2 red, green, blue of four seasons; 255 is a reflectance of 1",
        bands: Self.seasons.flatMap { season in Self.colors.map { "\(season)_\($0)" } },
        unit: "dn", noData: 0, reflectanceScale: 1.0 / 255)
    case .s2srm:
      Facts(
        patterns: ["s2srm-####"],
        summary: "Sentinel-2 surface reflectance, monthly; bands by the file's names", unit: "dn")
    case .gssic:
      Facts(
        patterns: ["gssic"],
        summary: "seasonal interferometric coherence, amplitude and decay model of 2020",
        suffixes: ["nc"], grid: .coarse(degrees: Self.arcSeconds3),
        bands: Self.gssicVariables.flatMap { variable in
          Self.combinations(variable.dimensions.map { Self.gssicLabels[$0] ?? [] }).map {
            ([variable.name] + $0).joined(separator: "_")
          }
        }, noData: 0, absence: .normalIfMarked, marker: "skipped")
    case .gunw:
      Facts(
        patterns: [
          "gunw_####-##-##_####-##-##", "gunw-####-##-##_####-##-##", "gunw_####-##",
          "gunw-####-##", "gunw48-####-##",
        ],
        summary: "geocoded unwrapped interferograms; pairs of dates vary between chips",
        suffixes: ["nc"], grid: .coarse(degrees: Self.arcSeconds3), absence: .normal,
        marker: "skipped")
    case .srtmdem:
      Facts(
        patterns: ["srtmdem", "strmdem"],
        summary: "elevation in meters and slope in degrees (SRTM)", bands: ["elevation", "slope"])
    case .esaworldcover:
      Facts(
        patterns: ["esaworldcover-####"],
        summary: "ESA World Cover codes 10, 20, … 90, 95, 100; 0 outside", bands: ["Map"],
        noData: 0)
    case .biomass:
      Facts(
        patterns: ["biomass-####"],
        summary: "above-ground biomass and its standard error in Mg/ha (ESA CCI)",
        suffixes: ["nc"], grid: .coarse(degrees: 1.0 / 1125), bands: ["agb", "agb_se"])
    case .modis44b006veg:
      Facts(
        patterns: ["modis44b006veg"],
        summary: "tree cover in percent per year (MOD44B); 200 is water",
        bands: Self.treeCoverYears.map { "Percent_Tree_Cover_\($0)" }, noData: 253)
    case .ghsbuilts:
      Facts(
        patterns: ["ghsbuilts-####", "ghs-built-S-####"],
        summary: "built-up square meters per cell (GHS-BUILT-S)", grid: .coarse(degrees: nil),
        bands: ["built_surface"])
    case .firecci51:
      Facts(
        patterns: ["firecci51"],
        summary: "burned area of 2016 to 2020 (Fire CCI 5.1), only where something burned",
        bands: (2016...2020).flatMap { year in
          ["BurnDate", "ConfidenceLevel", "LandCover"].map { "\(year)_\($0)" }
        }, absence: .normalIfMarked, marker: "tif.nodata")
    case .globalfloods:
      Facts(
        patterns: ["globalfloods-####"],
        summary: "global flood database; layers by the file's names",
        suffixes: ["tif", "nc"], grid: .unknown, absence: .normal)
    case .lcci:
      Facts(
        patterns: ["lcci-####"], summary: "land cover of ESA CCI; layers by the file's names",
        suffixes: ["tif", "nc"], grid: .unknown)
    }
  }

  /// The variables of a gssic file with the labeled axes of each, slowest first; rows and columns
  /// follow.
  static let gssicVariables: [(name: String, dimensions: [String])] = [
    ("amplitude", ["season", "polarimetry"]), ("coherence", ["season", "deltadays"]),
    ("decaymodel", ["season", "param"]), ("geometry", ["feature"]),
  ]

  /// Labels of those axes, in the order of the published files.
  static let gssicLabels: [String: [String]] = [
    "season": ["summer", "fall", "winter", "spring"], "polarimetry": ["vv", "vh"],
    "deltadays": ["12", "24", "36", "48"], "param": ["rho", "tau", "rmse"],
    "feature": ["inc", "lsmap"],
  ]

  /// The variables of a gunw file.
  static let gunwVariables = ["amplitude", "coherence", "unwrappedPhase", "connectedComponents"]

  /// Every choice of one element of each list, the first list slowest.
  static func combinations(_ lists: [[String]]) -> [[String]] {
    lists.reduce([[]]) { found, list in
      found.flatMap { start in list.map { start + [$0] } }
    }
  }
}
