package import Recipes

/// What can be wrong with a chip of M3LEO for a recipe's selection.
package enum M3LEOError: ExitCoded, Sendable, Equatable {
  /// No interferogram of the chip lies in the window that the recipe selects.
  case noPair(path: String, wanted: String, available: [String])
  /// A layer that the selection needs is not in the file.
  case layerMissing(path: String, layer: String, available: [String])
  /// Percentiles of a channel coincide, so that values cannot be scaled by them.
  case percentilesEqual(path: String, channel: String, value: Double)

  package var exitCode: ExitCode { .malformedData }
}

extension M3LEOError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noPair(let path, let wanted, let available):
      "\(path): no pair of dates with \(wanted) (the file \(Self.list(available))). Widen the "
        + "window of the input, or leave such chips out with data.on_bad: skip."
    case .layerMissing(let path, let layer, let available):
      "\(path): layer '\(layer)' not found (the file \(Self.list(available))). Correct the input's "
        + "selection, or fetch the file again."
    case .percentilesEqual(let path, let channel, let value):
      "\(path): both percentiles of channel '\(channel)' are \(value), so it cannot be scaled by "
        + "them. Leave percentiles out, or such chips with data.on_bad: skip."
    }
  }

  private static let shownNames = 12

  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "has none" }
    let shown = names.prefix(shownNames).joined(separator: ", ")
    let rest = names.count - shownNames
    return rest > 0 ? "has \(shown) and \(rest) more" : "has \(shown)"
  }
}
