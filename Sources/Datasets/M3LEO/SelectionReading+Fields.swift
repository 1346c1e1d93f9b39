import Recipes

extension SelectionReading {
  func plan() -> M3LEOSelection.Plan? {
    if variable != nil, reader.table["variables"] == nil {
      refuse("variable", "\(component.folder) has bands, no variables", mend: "give bands")
      return nil
    }
    if let variable, let known = variableNames, !known.contains(variable) {
      diagnostics.error(
        .unknownName(kind: "variable of \(component.folder)", name: variable, known: known),
        at: reader.location, path: "\(path).variable")
      return nil
    }
    if variable != nil, reader.isGiven("variables") {
      refuse("variables", "variable and variables both name them", mend: "keep variables")
    }
    switch kind {
    case .gunw: return pairs()
    case .biomass: return .channels((variables ?? ["agb"]).map { Channel(Term(layer: $0)) })
    default: break
    }
    guard !given.isEmpty else { return .all }
    return switch kind {
    case .s1grd: .channels(backscatter())
    case .s1grdm: .channels(monthlyBackscatter())
    case .s2rgbm:
      .channels(
        monthGroups().flatMap { group in
          Kind.colors.map { color in mean(group.map { Term(layer: "\($0)_\(color)") }, group, color)
          }
        })
    case .s2rgb:
      .channels(
        (texts("seasons") ?? Kind.seasons).flatMap { season in
          Kind.colors.map { Channel(Term(layer: "\(season)_\($0)")) }
        })
    case .gssic: .channels(coherence())
    case .modis44b006veg:
      .channels(
        (texts("years") ?? Kind.treeCoverYears.map(String.init)).map {
          Channel(Term(layer: "Percent_Tree_Cover_\($0)"))
        })
    default: .all
    }
  }

  private var variableNames: [String]? {
    switch kind {
    case .gssic: Kind.gssicVariables.map(\.name)
    case .gunw: Kind.gunwVariables
    case .biomass: component.expectedBands
    default: nil
    }
  }

  /// As the recipe gives them.
  var variables: [String]? { variable.map { [$0] } ?? texts("variables") }
}
