import Recipes

extension SelectionReading {
  /// `vv-vh` in a list stands behind what it is made of, as the reference wants it.
  private func polarizations() -> [String] {
    guard let pols = texts("pols") else { return ["vv", "vh", "vv-vh"] }
    if let place = pols.firstIndex(of: "vv-vh"), !Set(pols[..<place]).isSuperset(of: ["vv", "vh"]) {
      refuse(
        "pols", "vv-vh stands without vv and vh before it",
        mend: "write [vv, vh, vv-vh], or name differences in bands")
    }
    return pols
  }

  /// One band, or the difference of the two polarizations of its place.
  private func term(_ polarization: String, _ name: (String) -> String) -> Term {
    polarization == "vv-vh"
      ? Term(layer: name("vv"), subtracted: name("vh")) : Term(layer: name(polarization))
  }

  /// Differences by season, then direction; the others by polarization, direction, season.
  ///
  /// Summarized seasons are sorted by polarization and direction.
  func backscatter() -> [Channel] {
    let polarizations = polarizations()
    let directions = texts("directions") ?? Kind.directions
    let seasons = texts("seasons") ?? Kind.seasons
    if reader.bool("summarize_seasons") {
      let groups = polarizations.flatMap { polarization in
        directions.map { (key: polarization + $0, polarization: polarization, direction: $0) }
      }
      return groups.sorted { $0.key < $1.key }.map { group in
        let terms = seasons.map { season in
          term(group.polarization) { "\(season)_\($0)\(group.direction)" }
        }
        return mean(terms, seasons, group.direction, group.polarization)
      }
    }
    let differences =
      polarizations.contains("vv-vh")
      ? seasons.flatMap { season in
        directions.map { direction in Channel(term("vv-vh") { "\(season)_\($0)\(direction)" }) }
      } : []
    return differences
      + polarizations.filter { $0 != "vv-vh" }.flatMap { polarization in
        directions.flatMap { direction in
          seasons.map { Channel(Term(layer: "\($0)_\(polarization)\(direction)")) }
        }
      }
  }

  /// Difference channels by month, then polarization and month.
  func monthlyBackscatter() -> [Channel] {
    let polarizations = polarizations()
    let groups = monthGroups()
    let order =
      polarizations.filter { $0 == "vv-vh" } + polarizations.filter { $0 != "vv-vh" }
    return order.flatMap { polarization in
      groups.map { group in
        mean(
          group.map { month in term(polarization) { "\(month)_\($0)" } }, group, "", polarization)
      }
    }
  }

  /// The mean over a group, called after its members: `03+04_red`.
  func mean(
    _ terms: [Term], _ group: [String], _ rest: String, _ polarization: String = ""
  ) -> Channel {
    let joined = group.joined(separator: "+")
    let name = term(polarization) { "\(joined)_\($0)\(rest)" }.name
    return terms.count == 1 ? Channel(terms[0]) : Channel(name: name, terms: terms)
  }

  /// Months as two digits; single ones are groups of one.
  func monthGroups() -> [[String]] {
    guard reader.isGiven("months"), let value = reader.value("months") else {
      return Kind.months.map { [$0] }
    }
    let groups = value.elements.map { $0.elements.isEmpty ? [$0] : $0.elements }
    let names = groups.map { group in group.compactMap(month) }
    if names.isEmpty { refuse("months", "nothing is chosen", mend: "name a month") }
    if Set(names).count < names.count || names.contains(where: { Set($0).count < $0.count }) {
      refuse("months", "one is named twice", mend: "name it once")
    }
    return names
  }

  private func month(_ value: Located) -> String? {
    let number: Int? =
      switch value.value {
      case .integer(let number): number
      case .text(let text): Int(text)
      default: nil
      }
    guard let number, Kind.months.indices.contains(number - 1) else {
      diagnostics.error(.rule("there is no such month", mend: "write 01 to 12"), at: value)
      return nil
    }
    return Kind.months[number - 1]
  }
}
