import Foundation
import Recipes

extension SelectionReading {
  func plan(bands: [BandReference]) -> M3LEOSelection.Plan? {
    for field in given {
      refuse(field, "bands and \(field) both choose the channels", mend: "keep one")
    }
    guard !bands.isEmpty else {
      refuse("bands", "no band is chosen", mend: "name one, or remove the field")
      return nil
    }
    let terms = bands.map(term)
    if Set(terms.compactMap { $0?.name }).count < terms.compactMap({ $0 }).count {
      refuse("bands", "a band is named twice", mend: "name it once")
    }
    return .channels(terms.compactMap { $0 }.map(Channel.init))
  }

  /// Nil where an error was recorded.
  private func term(_ band: BandReference) -> Term? {
    switch band {
    case .index(let index):
      guard let known = component.expectedBands else {
        refuse(
          "bands", "bands of \(component.folder) have no published order", mend: "give their names")
        return nil
      }
      guard known.indices.contains(index) else {
        refuse(
          "bands", "there is no band \(index) among the \(known.count) of \(component.folder)",
          mend: "count from 0, or give names")
        return nil
      }
      return Term(layer: known[index])
    case .name(let text):
      let sides = text.components(separatedBy: " - ")
      guard sides.count <= 2 else {
        refuse("bands", "\"\(text)\" is no difference of two bands", mend: "write \"a - b\"")
        return nil
      }
      guard sides.filter(isKnown).count == sides.count else { return nil }
      return Term(layer: sides[0], subtracted: sides.count == 2 ? sides[1] : nil)
    }
  }

  private func isKnown(_ name: String) -> Bool {
    let kindName = "band of \(component.folder)"
    if let known = component.expectedBands {
      guard !known.contains(name) else { return true }
      diagnostics.error(
        .unknownName(kind: kindName, name: name, known: known), at: reader.location,
        path: "\(path).bands")
      return false
    }
    guard kind == .gunw else { return true }
    let isLayer = Kind.gunwVariables.contains { variable in
      name.hasPrefix(variable + "_") && M3LEOPairs.Pair(name.dropFirst(variable.count + 1)) != nil
    }
    if !isLayer {
      refuse(
        "bands", "\"\(name)\" is no layer of \(component.folder)",
        mend: "write variable_YYYYMMDD_YYYYMMDD with the later date first, "
          + "or give variables and selection_rule")
    }
    return isLayer
  }
}
