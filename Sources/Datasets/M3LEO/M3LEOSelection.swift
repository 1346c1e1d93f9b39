import Formats
import Foundation

/// What a recipe selects of a component: channels by name, in their order, the same for every chip.
///
/// A value that equals the marker of missing values is NaN in the channels, and NaN is the marker of
/// what `open` gives, so that a difference of 0 is a value.
package struct M3LEOSelection: Sendable {
  /// A layer, or the difference of two.
  struct Term: Sendable, Equatable {
    let layer: String
    var subtracted: String?

    /// As `bands` writes it.
    var name: String { subtracted.map { "\(layer) - \($0)" } ?? layer }
  }

  /// The mean of terms, over those that are not missing.
  struct Channel: Sendable, Equatable {
    let name: String
    let terms: [Term]

    init(_ term: Term) { self.init(name: term.name, terms: [term]) }

    init(name: String, terms: [Term]) {
      self.name = name
      self.terms = terms
    }
  }

  enum Plan: Sendable, Equatable {
    /// All layers of the file, in its order.
    case all
    case channels([Channel])
    /// Variables of interferograms, at the pairs that each chip has.
    case pairs(variables: [String], M3LEOPairs)
  }

  package let component: M3LEOComponent
  let plan: Plan
  /// As stored.
  let noData: Double?
  /// Lower and upper, in percent.
  let percentiles: [Double]?
  /// A stored value that stands for none of what is measured, and is read as 0.
  let zeroed: Double?

  /// Names of the channels, in their order; nil where they are those of the file.
  package var channels: [String]? {
    switch plan {
    case .all: component.expectedBands
    case .channels(let channels): channels.map(\.name)
    case .pairs(let variables, let pairs):
      variables.flatMap { variable in pairs.names.map { "\(variable) \($0)" } }
    }
  }

  /// The selected channels of one chip.
  ///
  /// - Throws: `FormatError` where the file cannot be read; `M3LEOError` where it has no layer of a
  ///   name, or no pair in the window. Reading throws `M3LEOError.percentilesEqual`.
  package func open(_ path: String) throws -> PixelFile { try open(ChipFile(path: path)) }

  /// The selected channels of one chip, which may lie in a container.
  package func open(_ chip: ChipFile) throws -> PixelFile {
    let stored = try component.stored(chip)
    let reader = ChannelReader(
      source: stored.pixels, channels: try resolved(stored.pixels),
      marker: (noData ?? component.noData).map { stored.decode(Float($0)) },
      zeroed: zeroed.map { Float($0) }, percentiles: percentiles)
    var pixels = PixelFile(
      path: chip.path, width: stored.pixels.width, height: stored.pixels.height,
      bands: reader.channels.map(\.name), noData: reader.channels.map { _ in .nan }
    ) { try reader.read($0, in: $1) }
    pixels.geoReference = stored.pixels.geoReference
    return pixels
  }

  /// Channels with the numbers of the file's layers.
  private func resolved(_ file: PixelFile) throws -> [ChannelReader.Channel] {
    let numbers = Dictionary(
      zip(file.bands, file.bands.indices), uniquingKeysWith: { first, _ in first })
    func number(_ layer: String) throws -> Int {
      guard let number = numbers[layer] else {
        throw M3LEOError.layerMissing(path: file.path, layer: layer, available: file.bands)
      }
      return number
    }
    switch plan {
    case .all:
      // In the published order where that is known, whatever the file's.
      let names = component.expectedBands ?? file.bands
      return try names.map { .init(name: $0, terms: [(try number($0), nil)]) }
    case .channels(let channels):
      return try channels.map { channel in
        .init(
          name: channel.name,
          terms: try channel.terms.map { (try number($0.layer), try $0.subtracted.map(number)) })
      }
    case .pairs(let variables, let pairs):
      return try variables.flatMap { try resolved($0, pairs, file) }
    }
  }

  private func resolved(
    _ variable: String, _ pairs: M3LEOPairs, _ file: PixelFile
  ) throws -> [ChannelReader.Channel] {
    let prefix = variable + "_"
    let layers = file.bands.indices.filter { file.bands[$0].hasPrefix(prefix) }
    let labels = layers.map { file.bands[$0].dropFirst(prefix.count) }
    guard !layers.isEmpty else {
      throw M3LEOError.layerMissing(path: file.path, layer: variable, available: file.bands)
    }
    let known = try labels.map { label in
      guard let pair = M3LEOPairs.Pair(label) else {
        throw FormatError.malformed(
          path: file.path, format: "M3LEO gunw",
          reason: "'\(label)' is no pair of dates, the later one first")
      }
      return pair
    }
    return try zip(pairs.names, pairs.numbers(among: known)).map { name, chosen in
      guard !chosen.isEmpty else {
        let spans = zip(labels, known).map { "\($0) of \($1.span) days" }
        throw M3LEOError.noPair(path: file.path, wanted: name, available: spans)
      }
      return .init(name: "\(variable) \(name)", terms: chosen.map { (layers[$0], nil) })
    }
  }
}
