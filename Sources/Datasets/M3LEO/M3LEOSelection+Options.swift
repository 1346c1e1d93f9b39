package import Recipes

extension M3LEOSelection {
  /// What an input of this kind may say beside the fields of every input.
  package static func options(of kind: M3LEOComponent.Kind) -> OptionTable {
    arguments(of: kind).adding([
      Option(
        "percentiles", .list(.number, count: 2...2), default: .absent, range: .within(0...100),
        "each channel of a chip becomes (x - p_low) / (p_high - p_low) before normalization")
    ])
  }

  /// Fields that choose channels, beside `bands`.
  private static func arguments(of kind: M3LEOComponent.Kind) -> OptionTable {
    switch kind {
    case .s1grd: [pols, directions, seasons, summarizeSeasons]
    case .s1grdm: [pols, months]
    case .s2rgbm: [months]
    case .s2rgb: [seasons]
    case .gssic: [variables(M3LEOComponent.Kind.gssicVariables.map(\.name)), select]
    case .gunw:
      OptionTable([variables(M3LEOComponent.Kind.gunwVariables)]).adding(window).adding(event)
    case .biomass: [variables(["agb", "agb_se"], default: ["agb"])]
    case .modis44b006veg: [years, waterToZero]
    case .s2srm, .srtmdem, .esaworldcover, .ghsbuilts, .firecci51, .globalfloods, .lcci: []
    }
  }

  private static func oneOrMore(_ type: OptionType) -> OptionType { .either([type, .list(type)]) }

  private static let everyReference = OptionDefault.described(
    "all stored bands, where no such field is given")
  private static let pols = Option(
    "pols", oneOrMore(.oneOf(["vv", "vh", "vv-vh"])), default: everyReference,
    "polarizations; vv-vh is the difference in dB, whose channels come first")
  private static let directions = Option(
    "directions", oneOrMore(.oneOf(M3LEOComponent.Kind.directions)), default: everyReference,
    "ascending or descending orbits")
  private static let seasons = Option(
    "seasons", oneOrMore(.oneOf(M3LEOComponent.Kind.seasons)), default: everyReference,
    "winter, spring, summer, fall")
  private static let summarizeSeasons = Option(
    "summarize_seasons", .boolean, default: false,
    "one channel with the mean over the seasons in place of one per season")
  private static let month = OptionType.either([.integer, .text])
  private static let months = Option(
    "months", .either([.list(month), .list(.list(month))]), default: everyReference,
    "01 to 12; a list of lists gives the mean of each group")
  private static let years = Option(
    "years", oneOrMore(.integer), default: everyReference,
    range: .within(
      Double(
        M3LEOComponent.Kind.treeCoverYears.lowerBound)...Double(
          M3LEOComponent.Kind.treeCoverYears.upperBound)),
    aliases: ["year"], "2016 to 2020")
  private static let waterToZero = Option(
    "convert_water_to_zero", .boolean, default: true, "water (200) is no tree cover")

  private static func variables(
    _ names: [String], default standard: OptionDefault = .described("all, where no field is given")
  ) -> Option {
    Option(
      "variables", oneOrMore(.oneOf(names)), default: standard,
      "variables of the file, in this order")
  }

  private static let select = Option(
    "select",
    .table(
      OptionTable(
        M3LEOComponent.Kind.gssicLabels.keys.sorted().map { dimension in
          let labels = M3LEOComponent.Kind.gssicLabels[dimension] ?? []
          let type = OptionType.oneOf(labels)
          return Option(
            dimension,
            oneOrMore(dimension == "deltadays" ? .either([.integer, type]) : type),
            default: .described("all"), labels.joined(separator: ", "))
        })), default: .absent, "labels along the axes of the variables, in this order")

  private static let date = OptionType.either([.integer, .text])
  static let window: OptionTable = [
    Option("min_days", .integer, default: 0, range: .atLeast(0), unit: "days", "shortest span"),
    Option("max_days", .integer, default: 9999, range: .atLeast(0), unit: "days", "longest span"),
    Option(
      "selection_rule", .oneOf(["none"] + M3LEOPairs.Rule.allCases.map(\.rawValue)),
      default: .described("required, but for an event"),
      "far takes the longest span in the window, close the shortest, mean the mean of all"),
    Option("first_start_date", date, default: .absent, "YYYYMMDD, earliest start of a pair"),
    Option("last_start_date", date, default: .absent, "YYYYMMDD, latest start of a pair"),
    Option("first_end_date", date, default: .absent, "YYYYMMDD, earliest end of a pair"),
    Option("last_end_date", date, default: .absent, "YYYYMMDD, latest end of a pair"),
  ]
  static let event: OptionTable = [
    Option("event_start_date", date, default: .absent, "YYYY-MM-DD, first day of an event"),
    Option("event_end_date", date, default: .absent, "YYYY-MM-DD, last day of the event"),
    Option(
      "event_pairs_mode", oneOrMore(.oneOf(M3LEOPairs.Phase.allCases.map(\.rawValue))),
      default: .absent,
      "pre ends closest before it, co spans it shortest, pos begins closest after it"),
  ]
}
