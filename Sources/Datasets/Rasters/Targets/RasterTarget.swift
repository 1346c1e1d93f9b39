package import Recipes

/// What a recipe says of the targets of raster samples.
package struct RasterTarget: Sendable {
  /// Where targets come from.
  package enum Source: Sendable {
    /// The name of the folder that a file lies in is its class.
    case folders
    /// Rasters paired with the first input by identifier; where a sample has numbers and not a raster as
    /// its target, they are taken over the pixels.
    case rasters(RasterSource)
    /// A table with a row for each sample; a column, or all that `class_names` names.
    case table(path: String, column: String?)
    /// The image itself, before it is degraded.
    case input
  }

  package var kind: TargetKind
  package var source: Source
  /// Names in the order of the indices; nil takes what the data show.
  package var classNames: [String]?
  /// Stored value to class.
  package var classOfValue: [String: Int]?
  package var unmapped = TargetSection.Unmapped.error
  package var ignoreIndex = 255
  /// Stored value that means no label.
  package var unlabelled: Double?
  /// Rows and columns that rasters are brought to; nil leaves the files'.
  package var size: RasterOptions.Size?
  /// What a change of size keeps of the numbers; nil interpolates only.
  package var preserved: TargetSection.Preserved?
  /// Share of the pixels above which a class counts as present.
  package var minimumShare = 0.0

  package init(kind: TargetKind, source: Source) {
    self.kind = kind
    self.source = source
  }

  /// Whether the target is the image itself, before it is degraded.
  var isTheInput: Bool { if case .input = source { true } else { false } }
}

extension RasterTarget {
  /// Reads `data.target` for what a task asks; nil where there is none, or an error was left in
  /// `diagnostics`.
  init?(
    _ section: DataSection, _ kind: TargetKind, _ catalog: any RasterCatalog,
    _ diagnostics: Diagnostics
  ) {
    let target = section.target
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(
        .rule(reason, mend: mend), at: section.format.location, path: "data.target.\(field)")
    }
    var pattern: String?
    if case .files(let files) = target.source { pattern = files }
    let isTable =
      pattern.map { pattern in
        LabelTable.suffixes.contains { pattern.hasSuffix("." + $0) }
      } ?? false
    let origin = RasterSourceSection(target, at: section.format.location)
    let rasters = isTable ? nil : catalog.source(origin, diagnostics)
    if isTable { _ = OptionReader(target.selections, [], diagnostics) }
    if let fields = target.fields, !fields.isEmpty {
      refuse("fields", "fields belong to PDE data", mend: "remove it")
    }
    if target.variable != nil, rasters?.reader == nil {
      refuse("variable", "this format has no variables", mend: "remove it")
    }
    let takesSize = kind == .classMap || kind == .valueMap
    if target.size != nil, !takesSize {
      refuse("resize", "the target is no raster", mend: "remove it")
    }
    if target.preserved != nil, kind != .valueMap || target.size == nil {
      refuse("preserve", "only a resized raster of numbers keeps one", mend: "remove it")
    }
    if target.minimumShare != nil, kind != .labels {
      refuse("min_share", "only class labels have a least share", mend: "remove it")
    }
    switch kind {
    case .none:
      if target.source != nil || target.column != nil {
        refuse("path", "the task takes no target", mend: "remove data.target")
      }
      return nil
    case .frames:
      diagnostics.error(
        .rule(
          "\(section.format.name) holds images, the task needs frames of a field",
          mend: "choose a format of PDE data, or another task"),
        at: section.format.location, path: "data.format")
      return nil
    case .label where target.source == nil: self.init(kind: kind, source: .folders)
    case .image where target.source == nil:
      guard section.degradation != nil else {
        refuse(
          "path", "the task needs clean images",
          mend: "give their files, or data.degrade, which makes the inputs from them")
        return nil
      }
      self.init(kind: kind, source: .input)
    case .classMap, .valueMap, .image:
      guard let rasters else {
        refuse("path", "the task needs \(kind.meaning)", mend: "give the files of the targets")
        return nil
      }
      self.init(kind: kind, source: .rasters(rasters))
    case .label, .labels, .values, .shares:
      if let pattern, isTable {
        self.init(kind: kind, source: .table(path: pattern, column: target.column))
      } else if let rasters, kind != .label {
        self.init(kind: kind, source: .rasters(rasters))
      } else {
        refuse(
          "path", "the task needs \(kind.meaning)",
          mend: "give a table (.csv), or lists of files with their class (.txt), for all samples")
        return nil
      }
    }
    classNames = target.classNames
    classOfValue = target.labelMap.map { entries in
      Dictionary(entries.map { ($0.value, $0.index) }) { first, _ in first }
    }
    unmapped = target.unmapped
    ignoreIndex = target.ignoreIndex
    unlabelled = target.unlabelled
    size = target.size.map { .init(height: $0.height, width: $0.width) }
    preserved = target.preserved
    minimumShare = target.minimumShare ?? 0
    if let classNames, Set(classNames).count != classNames.count {
      refuse("class_names", "a name stands twice", mend: "give every class a name of its own")
    }
    if let count = classNames?.count, (0..<count).contains(ignoreIndex) {
      refuse(
        "ignore_index", "\(ignoreIndex) is one of the \(count) classes", mend: "choose another")
    }
  }
}

extension TargetKind {
  /// Whether every pixel has a target of its own.
  var isOfPixels: Bool {
    switch self {
    case .classMap, .valueMap, .image: true
    case .none, .frames, .label, .labels, .values, .shares: false
    }
  }
}
