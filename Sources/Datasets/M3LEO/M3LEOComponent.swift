/// A component of the M3LEO data set (arXiv 2406.04230): a folder of one file per chip inside the tile
/// set of an area, whose name says what the files hold.
///
/// The facts of each kind are in `M3LEOComponent+Kinds`.
package struct M3LEOComponent: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case s1grd, s1grdm, s2rgbm, s2rgb, s2srm, gssic, gunw, srtmdem, esaworldcover, biomass
    case modis44b006veg, ghsbuilts, firecci51, globalfloods, lcci
  }

  /// The pixels of a chip.
  package enum Grid: Sendable, Equatable {
    /// 448×448 pixels of 10 m (one more or less after cropping).
    case tenMeters
    /// Cut from a global grid of degrees: about 45 rows, more columns away from the equator, and both
    /// vary by one between chips. The spacing is in degrees, nil where it is not known.
    case coarse(degrees: Double?)
    /// Not known before a file is opened.
    case unknown
  }

  /// What it means that a chip has no file here.
  package enum Absence: Sendable, Equatable {
    /// A defect: every chip has one.
    case defect
    /// Normal: not every chip is covered.
    case normal
    /// Normal where a marker file stands in its place, else a defect.
    case normalIfMarked
  }

  /// The folder's name as given.
  package let folder: String
  package let kind: Kind

  /// The component of a folder's name; nil for a name of no known form.
  package init?(folder: String) {
    let kind = Kind.allCases.first { kind in
      kind.facts.patterns.contains { Self.matches(folder, $0) }
    }
    guard let kind else { return nil }
    self.folder = folder
    self.kind = kind
  }

  /// Endings of its files, without the dot; more than one where releases may differ.
  package var suffixes: [String] { kind.facts.suffixes }
  package var grid: Grid { kind.facts.grid }
  /// Names of the stored layers, in the order of the published files; nil where they are not known or
  /// differ between chips.
  package var expectedBands: [String]? { kind.facts.bands }
  package var absence: Absence { kind.facts.absence }
  /// What a value means as it is read: `db`, `dn` or `other`.
  package var unit: String { kind.facts.unit }
  /// Marker of missing values as stored, beside NaN; nil where there is none.
  package var noData: Double? { kind.facts.noData }
  /// Reflectance = stored value · this; nil for what is no reflectance.
  package var reflectanceScale: Double? { kind.facts.reflectanceScale }

  /// Names of a chip's file, one for each ending.
  package func fileNames(for chip: String) -> [String] { suffixes.map { "\(chip).\($0)" } }

  /// Name of the file that stands where a chip is absent for a known reason; nil where there is no
  /// such file in this component.
  package func marker(for chip: String) -> String? {
    kind.facts.marker.map { "\(chip).\($0)" }
  }

  /// Names under which a data set may hold this folder, this one first: releases differ in hyphens and
  /// in the names of two components.
  package var spellings: [String] {
    let renamed: [(String, String)] = [
      ("gunw_", "gunw-"), ("srtmdem", "strmdem"), ("ghsbuilts-", "ghs-built-S-"),
    ]
    for (first, second) in renamed {
      for (from, to) in [(first, second), (second, first)] where folder.hasPrefix(from) {
        return [folder, to + folder.dropFirst(from.count)]
      }
    }
    return [folder]
  }

  /// One line of a listing.
  package struct Description: Sendable, Equatable {
    /// Forms of the folder's name; `#` stands for a digit.
    package let patterns: [String]
    package let summary: String
    package let suffixes: [String]
    package let bands: [String]?
  }

  /// Every kind, in the order of the data set's description.
  package static var list: [Description] {
    Kind.allCases.map { kind in
      let facts = kind.facts
      return Description(
        patterns: facts.patterns, summary: facts.summary, suffixes: facts.suffixes,
        bands: facts.bands)
    }
  }

  private static func matches(_ text: String, _ pattern: String) -> Bool {
    guard text.count == pattern.count else { return false }
    return zip(text, pattern).allSatisfy { character, expected in
      expected == "#" ? ("0"..."9").contains(character) : character == expected
    }
  }
}
