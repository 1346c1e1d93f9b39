/// `data.target`: what the model is to give.
package struct TargetSection: Sendable {
  package enum Unmapped: Sendable, Hashable {
    case error
    case ignore
    case index(Int)
  }

  package enum Preserved: String, CaseIterable, Sendable { case mean, sum }

  package let source: InputSection.Source?
  package let variable: String?
  /// Column of a table of labels.
  package let column: String?
  package let classNames: [String]?
  /// Stored value to class index, in file order.
  package let labelMap: [(value: String, index: Int)]?
  package let unmapped: Unmapped
  package let ignoreIndex: Int
  /// Stored value that means no label.
  package let unlabelled: Double?
  package let fields: [FieldSelection]?
  package let size: ModelSection.ImageSize?
  package let preserved: Preserved?
  /// Share of the pixels above which a class of a raster counts as present.
  package let minimumShare: Double?
  /// The format's own selections, read by its table.
  package let selections: Deferred

  static let table: OptionTable = [
    Option(
      "path", .text, default: .described("by task"), aliases: ["label_grep"],
      "files below root; * binds the sample's identifier"),
    Option(
      "component", .text, default: .described("by task"), "a folder of the format's own layout"),
    Option(
      "variable", .text, default: .described("the only fitting one"),
      "variable of a .mat, dataset path in HDF5 or NetCDF"),
    Option("column", .text, default: .absent, "column of a table of labels"),
    Option(
      "class_names", .list(.text), default: .described("the card's"), aliases: ["classes"],
      "names in the order of the indices"),
    Option(
      "label_map", .map(.integer), default: .absent, range: .atLeast(0),
      "stored value to class index"),
    Option(
      "unmapped", .either([.oneOf(["error", "ignore"]), .integer]), default: "error",
      range: .atLeast(0), "what a value outside label_map is"),
    Option("ignore_index", .integer, default: 255, "index that no loss or metric counts"),
    Option("unlabelled", .number, default: .described("0 for scenes"), "stored value: no label"),
    Option("fields", FieldSelection.type, default: .absent, "PDE fields, in this order"),
    Option(
      "resize", .either([.integer, .list(.integer, count: 2...2)]), default: .absent,
      range: .atLeast(1), unit: "pixels", "one size for targets of differing sizes"),
    Option("preserve", .choice(Preserved.self), default: .absent, "what a resize keeps"),
    Option(
      "min_share", .number, default: .absent, range: .within(0...1),
      "multilabel from class rasters: share of the pixels above which a class is present"),
  ]

  init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    source = InputSection.Source(reader, diagnostics)
    variable = reader.optionalText("variable")
    column = reader.optionalText("column")
    classNames = reader.value("class_names").map { _ in reader.texts("class_names") }
    labelMap = reader.value("label_map").map { map in
      map.entries.compactMap { entry in
        if case .integer(let index) = entry.value.value { (entry.key, index) } else { nil }
      }
    }
    unmapped =
      reader.optionalInt("unmapped").map(Unmapped.index)
      ?? (reader.text("unmapped") == "ignore" ? .ignore : .error)
    ignoreIndex = reader.int("ignore_index")
    unlabelled = reader.optionalNumber("unlabelled")
    fields = FieldSelection.list(reader, "fields")
    size = reader.size("resize")
    preserved = reader.optionalChoice("preserve", as: Preserved.self)
    minimumShare = reader.optionalNumber("min_share")
    selections = reader.rest
  }
}
