/// `data.inputs.<name>`: one named input of the model.
package struct InputSection: Sendable {
  package enum Source: Sendable, Hashable {
    /// A glob below `root`; `*` binds the sample's identifier.
    case files(String)
    /// A folder of the format's own layout.
    case component(String)
  }

  package enum Wavelengths: Sendable, Hashable {
    /// Nanometers, one per band.
    case values([Double])
    case variable(String)
    case file(String)
    /// Evenly spaced, first and last in nanometers.
    case linear(from: Double, to: Double)
  }

  package enum Missing: String, CaseIterable, Sendable { case any, all }

  package enum Normalization: String, CaseIterable, Sendable {
    case zscore
    case twoSigma = "two-sigma"
    case minmax
    case perPatch = "per-patch"
    case perTrajectory = "per-trajectory"
    case perWindow = "per-window"
    case none
  }

  package enum Replacement: Sendable, Hashable {
    case mean
    case value(Double)
  }

  package enum Statistics: Sendable, Hashable {
    /// Valid pixels of the training split.
    case auto
    case file(String)
    case values(means: [Double], standardDeviations: [Double])
  }

  package let name: String
  package let location: SourceLocation
  /// Nil takes the format's.
  package let source: Source?
  package let variable: String?
  package let fields: [FieldSelection]?
  package let bands: [BandReference]?
  package let datasetBands: [BandReference]?
  package let rgbBands: [BandReference]?
  package let wavelengths: Wavelengths?
  package let unit: String?
  package let scale: Double
  package let offset: Double
  /// Meters per pixel.
  package let resolutionMeters: Double?
  package let noData: Double?
  package let noDataReplacement: Replacement
  package let missing: Missing
  package let normalization: Normalization?
  package let statistics: Statistics
  package let reduction: Reduction?
  /// One size for files of differing sizes.
  package let size: ModelSection.ImageSize?
  /// Whether a sample with a constant band counts as bad.
  package let skipsConstantBands: Bool
  /// The format's own selections, read by its table.
  package let selections: Deferred

  init(name: String, _ reader: OptionReader, _ diagnostics: Diagnostics) {
    self.name = name
    location = reader.location
    source = Source(reader, diagnostics)
    variable = reader.optionalText("variable")
    fields = FieldSelection.list(reader, "fields")
    bands = BandReference.list(reader, "bands")
    datasetBands = BandReference.list(reader, "dataset_bands")
    rgbBands = BandReference.list(reader, "rgb_bands")
    wavelengths = Wavelengths(reader, diagnostics)
    unit = reader.optionalText("unit")
    scale = reader.number("scale")
    offset = reader.number("offset")
    resolutionMeters = reader.optionalNumber("resolution")
    noData = reader.optionalNumber("no_data")
    noDataReplacement = reader.optionalNumber("no_data_replace").map(Replacement.value) ?? .mean
    missing = reader.choice("missing", as: Missing.self)
    normalization = reader.optionalChoice("normalize", as: Normalization.self)
    statistics = Statistics(reader)
    reduction = reader.optionalTable("reduce").map(Reduction.init)
    size = reader.size("resize")
    skipsConstantBands = reader.bool("skip_constant_channels")
    selections = reader.rest
  }
}

extension InputSection.Source {
  init?(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    let files = reader.optionalText("path")
    let component = reader.optionalText("component")
    if files != nil, let value = reader.value("component") {
      diagnostics.error(
        .rule("path and component both say where the values are", mend: "keep one"), at: value)
    }
    guard let source = files.map(Self.files) ?? component.map(Self.component) else { return nil }
    self = source
  }
}

extension InputSection.Wavelengths {
  init?(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    guard let value = reader.value("wavelengths") else { return nil }
    guard let table = reader.optionalTable("wavelengths") else {
      self = .values(reader.numbers("wavelengths"))
      return
    }
    let ends = table.numbers("linear")
    let found = [
      table.optionalText("variable").map(Self.variable),
      table.optionalText("file").map(Self.file),
      ends.count == 2 ? .linear(from: ends[0], to: ends[1]) : nil,
    ].compactMap { $0 }
    guard found.count == 1 else {
      diagnostics.error(
        .rule("wavelengths come from one place", mend: "give one of variable, file, linear"),
        at: value)
      return nil
    }
    self = found[0]
  }
}

extension InputSection.Statistics {
  init(_ reader: OptionReader) {
    if let path = reader.optionalPath("stats") {
      self = .file(path)
    } else if let table = reader.optionalTable("stats") {
      self = .values(means: table.numbers("means"), standardDeviations: table.numbers("stds"))
    } else {
      self = .auto
    }
  }
}

/// A band by its name or its number.
package enum BandReference: Sendable, Hashable {
  case name(String)
  case index(Int)

  static let type = OptionType.either([.integer, .text])

  static func list(_ reader: OptionReader, _ name: String) -> [BandReference]? {
    reader.value(name).map { value in
      value.elements.compactMap { element in
        if case .integer(let index) = element.value {
          .index(index)
        } else {
          element.asText.map(BandReference.name)
        }
      }
    }
  }
}

/// A PDE field; with components, a vector field made of them in this order.
package struct FieldSelection: Sendable, Hashable {
  package let name: String
  package let components: [String]

  static let type = OptionType.list(
    .either([
      .text,
      .table([
        Option("name", .text, default: .required, "the field"),
        Option("components", .list(.text), default: [], "stored fields that make a vector"),
      ]),
    ]))

  /// Nil where the recipe names none: all fields.
  static func list(_ reader: OptionReader, _ name: String) -> [FieldSelection]? {
    reader.value(name).map { value in
      let tables = reader.tables(name)
      return value.elements.compactMap { element in
        if let name = element.asText { return FieldSelection(name: name, components: []) }
        return tables.first { $0.path == element.path }.map {
          FieldSelection(name: $0.text("name"), components: $0.texts("components"))
        }
      }
    }
  }
}

/// `reduce`: fewer bands.
package struct Reduction: Sendable {
  package enum Method: String, CaseIterable, Sendable { case pca, select }
  package enum Fit: String, CaseIterable, Sendable { case train, labelled, all }

  package let method: Method
  package let components: Int?
  package let bands: [BandReference]?
  package let whitens: Bool
  package let fit: Fit

  static let table: OptionTable = [
    Option("method", .choice(Method.self), default: .required, "principal components or a choice"),
    Option("components", .integer, default: .absent, range: .atLeast(1), "how many remain"),
    Option("bands", .list(BandReference.type), default: .absent, "which remain"),
    Option("whiten", .boolean, default: false, "unit variance per component"),
    Option("fit_on", .choice(Fit.self), default: "train", "pixels the components come from"),
  ]

  init(_ reader: OptionReader) {
    method = reader.choice("method", as: Method.self)
    components = reader.optionalInt("components")
    bands = BandReference.list(reader, "bands")
    whitens = reader.bool("whiten")
    fit = reader.choice("fit_on", as: Fit.self)
  }
}
