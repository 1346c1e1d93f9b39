package import Recipes

/// What a recipe says of the targets of raster samples.
package struct RasterTarget: Sendable {
  /// Where targets come from.
  package enum Source: Sendable, Equatable {
    /// The name of the folder that a file lies in is its class.
    case folders
    /// Rasters paired with the first input by identifier.
    case rasters(pattern: String)
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

  package init(kind: TargetKind, source: Source) {
    self.kind = kind
    self.source = source
  }
}

extension RasterTarget {
  /// Reads `data.target` for what a task asks; nil where there is none, or an error was left in
  /// `diagnostics`.
  init?(
    _ section: DataSection, _ kind: TargetKind, _ diagnostics: Diagnostics
  ) {
    let target = section.target
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(
        .rule(reason, mend: mend), at: section.format.location, path: "data.target.\(field)")
    }
    var pattern: String?
    switch target.source {
    case .files(let files): pattern = files
    case .component: refuse("component", "this format has no components", mend: "give path")
    case nil: break
    }
    if let fields = target.fields, !fields.isEmpty {
      refuse("fields", "fields belong to PDE data", mend: "remove it")
    }
    if target.variable != nil {
      refuse("variable", "this format has no variables", mend: "remove it")
    }
    for (field, isGiven) in [("resize", target.size != nil), ("preserve", target.preserved != nil)]
    where isGiven {
      refuse(field, "\(field) is not offered for this format yet", mend: "remove it")
    }
    let isTable = pattern.map { $0.hasSuffix(".csv") || $0.hasSuffix(".tsv") } ?? false
    switch kind {
    case .none:
      if pattern != nil || target.column != nil {
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
    case .label where pattern == nil: self.init(kind: kind, source: .folders)
    case .image where pattern == nil:
      guard section.degradation != nil else {
        refuse(
          "path", "the task needs clean images",
          mend: "give their files, or data.degrade, which makes the inputs from them")
        return nil
      }
      self.init(kind: kind, source: .input)
    case .classMap, .valueMap, .image:
      guard let pattern, !isTable else {
        refuse("path", "the task needs \(kind.meaning)", mend: "give the files of the targets")
        return nil
      }
      self.init(kind: kind, source: .rasters(pattern: pattern))
    case .label, .labels, .values, .shares:
      guard let pattern, isTable else {
        refuse(
          "path", "the task needs \(kind.meaning)",
          mend: "give a table (.csv) with a row for each sample")
        return nil
      }
      self.init(kind: kind, source: .table(path: pattern, column: target.column))
    }
    classNames = target.classNames
    classOfValue = target.labelMap.map { entries in
      Dictionary(entries.map { ($0.value, $0.index) }) { first, _ in first }
    }
    unmapped = target.unmapped
    ignoreIndex = target.ignoreIndex
    unlabelled = target.unlabelled
    if let classNames, Set(classNames).count != classNames.count {
      refuse("class_names", "a name stands twice", mend: "give every class a name of its own")
    }
    if let count = classNames?.count, (0..<count).contains(ignoreIndex) {
      refuse(
        "ignore_index", "\(ignoreIndex) is one of the \(count) classes", mend: "choose another")
    }
  }
}
