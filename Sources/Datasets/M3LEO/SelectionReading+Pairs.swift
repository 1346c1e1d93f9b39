import Recipes

extension SelectionReading {
  /// Interferograms by a rule in a window, or about an event; nil where an error was recorded.
  ///
  /// Without a rule the number of channels would be that of a chip's pairs, which differs between
  /// chips: such a recipe is refused, unless `bands` names the pairs.
  func pairs() -> M3LEOSelection.Plan? {
    let choice = isEvent ? event() : window()
    guard let variables else {
      refuse("variables", "no variable is chosen", mend: "name some of \(known)")
      return nil
    }
    return choice.map { .pairs(variables: variables, M3LEOPairs(choice: $0)) }
  }

  private var known: String { Kind.gunwVariables.joined(separator: ", ") }

  private var isEvent: Bool { M3LEOSelection.event.names.contains(where: reader.isGiven) }

  private func window() -> M3LEOPairs.Choice? {
    let bounds = M3LEOPairs.Window(
      minimumDays: reader.int("min_days"), maximumDays: reader.int("max_days"),
      firstStart: day("first_start_date"), lastStart: day("last_start_date"),
      firstEnd: day("first_end_date"), lastEnd: day("last_end_date"))
    if bounds.minimumDays > bounds.maximumDays {
      refuse("min_days", "min_days is above max_days", mend: "swap them")
    }
    for (first, last, field) in [
      (bounds.firstStart, bounds.lastStart, "first_start_date"),
      (bounds.firstEnd, bounds.lastEnd, "first_end_date"),
    ] {
      if let first, let last, first > last {
        refuse(field, "the first date is after the last", mend: "swap them")
      }
    }
    guard let rule = reader.optionalText("selection_rule").flatMap(M3LEOPairs.Rule.init) else {
      refuse(
        "selection_rule", "chips have pairs of their own, which make no channels without a rule",
        mend: "write far, close or mean, or name pairs in bands")
      return nil
    }
    return .window(bounds, rule)
  }

  private func event() -> M3LEOPairs.Choice? {
    for field in M3LEOSelection.window.names where reader.isGiven(field) {
      refuse(field, "\(field) belongs to a window, not to an event", mend: "keep one of both")
    }
    let phases = (texts("event_pairs_mode") ?? []).compactMap(M3LEOPairs.Phase.init)
    for field in M3LEOSelection.event.names where !reader.isGiven(field) {
      refuse(field, "an event needs \(field)", mend: "give it, or no field of an event")
    }
    guard let first = day("event_start_date"), let last = day("event_end_date") else { return nil }
    if first > last { refuse("event_start_date", "the event ends before", mend: "swap the dates") }
    return .event(from: first, to: last, phases)
  }

  /// Nil where the field is absent, or after recording that it is no day.
  private func day(_ field: String) -> M3LEOPairs.Day? {
    guard let text = texts(field)?.first else { return nil }
    let day = M3LEOPairs.Day(text)
    if day == nil { refuse(field, "\"\(text)\" is no day", mend: "write YYYYMMDD or YYYY-MM-DD") }
    return day
  }
}
