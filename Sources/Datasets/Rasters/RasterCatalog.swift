package import Recipes

/// A sample's files as they were found, before any is opened.
package struct RasterCandidate: Sendable {
  /// Where the file of one input lies.
  package enum Place: Sendable, Equatable {
    case file(String)
    /// `isNormal` where the data set's own rules let it be absent.
    case absent(reason: String, isNormal: Bool)
  }

  package var identifier: String
  /// What statistics may be kept apart for, as an area; empty where the catalog knows none.
  package var group = ""
  /// The part that files or a table name; nil where the split is made otherwise.
  package var part: SplitPart?
  /// In the order of the inputs; the target's last, where it is a raster of its own.
  package var places: [Place]

  package init(identifier: String, places: [Place]) {
    self.identifier = identifier
    self.places = places
  }
}

/// How the files of one input or target are named and opened.
package struct RasterSource: Sendable {
  /// Files below the root, or a folder of the catalog.
  package var pattern: String
  /// Opens a file as the channels that the recipe selects, missing values as NaN; nil opens it as the
  /// format does, with all its bands.
  package var reader: (@Sendable (_ path: String) throws -> PixelFile)?

  package init(
    pattern: String, reader: (@Sendable (_ path: String) throws -> PixelFile)? = nil
  ) {
    self.pattern = pattern
    self.reader = reader
  }
}

/// What a recipe says of an input's or a target's files.
package struct RasterSourceSection: Sendable {
  package var source: InputSection.Source?
  package var variable: String?
  package var bands: [BandReference]?
  package var noData: Double?
  package var selections: Deferred
  /// Dotted path of the section.
  package var path: String
  /// Whether it is an input's.
  package var isInput: Bool
  package var location: SourceLocation

  init(_ input: InputSection) {
    source = input.source
    variable = input.variable
    bands = input.bands
    noData = input.noData
    selections = input.selections
    path = "data.inputs.\(input.name)"
    isInput = true
    location = input.location
  }

  init(_ target: TargetSection, at location: SourceLocation) {
    source = target.source
    variable = target.variable
    bands = nil
    noData = nil
    selections = target.selections
    path = "data.target"
    isInput = false
    self.location = location
  }
}

/// How a format lays out the files of rasters in folders.
package protocol RasterCatalog: Sendable {
  /// Reads the format's own options; nil where an error was left in `diagnostics`.
  init?(_ section: DataSection, _ format: any RasterFormat.Type, _ diagnostics: Diagnostics)

  /// Reads how an input's or target's files are named and opened; nil where an error was left in
  /// `diagnostics`, or the section names no files.
  func source(_ section: RasterSourceSection, _ diagnostics: Diagnostics) -> RasterSource?

  /// The files of all samples, in the order of their numbers.
  ///
  /// - Throws: `DataError` where there are none, or two for one sample.
  func candidates(_ options: RasterOptions) throws -> [RasterCandidate]

  /// Whether statistics are kept apart for each group.
  var separatesGroups: Bool { get }
}

extension RasterCatalog {
  package var separatesGroups: Bool { false }
}
