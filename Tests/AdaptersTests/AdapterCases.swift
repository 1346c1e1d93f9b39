import Adapters
import Recipes
import Tensors
import TestSupport
import Testing

/// Kinds of places that an adapter can stand on.
enum Place: String, CaseIterable, Sendable {
  case linear, rows, convolution2D, convolution3D, groupedConvolution, block

  /// What a method must declare for it.
  var needed: AdapterCapabilities {
    switch self {
    case .linear: [.linear]
    case .rows: [.linear, .rows]
    case .convolution2D: [.convolution2D]
    case .convolution3D: [.convolution3D]
    case .groupedConvolution: [.convolution2D, .groups]
    case .block: [.blocks]
    }
  }
}

/// An adaptation method of the registry at one kind of place.
struct AdapterCase: Sendable, CustomTestStringConvertible {
  let method: any AdapterMethod.Type
  let place: Place
  var testDescription: String { "\(method.name) on \(place.rawValue)" }

  /// Every method at every place where it can stand.
  static let all = adapterMethods.entries.flatMap { method in
    Place.allCases.filter { method.capabilities.isSuperset(of: $0.needed) }
      .map { AdapterCase(method: method, place: $0) }
  }

  static func having(_ capability: AdapterCapabilities) -> [AdapterCase] {
    all.filter { $0.method.capabilities.isSuperset(of: capability) }
  }

  /// Options with which a method stands on the small layers of these tests (8 inputs and 12 outputs,
  /// 4 and 6 channels, blocks of width 8), where its defaults do not.
  private static let settings: [String: [(String, PlainValue)]] = [:]

  /// The method with rank 4 and scaling 1.5 where it has such options, and its own settings.
  func makeMethod() throws -> any AdapterMethod {
    let own = Self.settings[method.name] ?? []
    let general: [(String, PlainValue)] = [("r", 4), ("alpha", 6)]
    let wanted =
      general.filter { field in
        method.options.names.contains(field.0) && !own.contains { $0.0 == field.0 }
      } + own
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(
        plain: .map(wanted.map { PlainValue.Field($0.0, $0.1) }),
        at: SourceLocation(source: "test")), method.options, diagnostics)
    let made = method.init(reader, diagnostics)
    try diagnostics.throwErrors()
    return made
  }
}
