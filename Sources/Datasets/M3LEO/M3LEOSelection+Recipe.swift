package import Recipes

extension M3LEOSelection {
  /// Reads what an input says of a component; nil where an error was left in `diagnostics`.
  ///
  /// Channels come in the order of `bands`, else in that of the reference's loaders (M3LEO code,
  /// `datamodules/components`), by name where theirs go by position.
  ///
  /// - Parameters:
  ///   - component: The input's component.
  ///   - bands: Layers by name or number; `"a - b"` is a difference.
  ///   - variable: The field `variable`, which is read as `variables`.
  ///   - selections: The input's other fields.
  ///   - noData: The recipe's marker of missing values, as stored; nil takes the component's.
  ///   - path: The input's dotted path.
  ///   - diagnostics: Takes the errors.
  package init?(
    _ component: M3LEOComponent, bands: [BandReference]?, variable: String? = nil,
    selections: Deferred, noData: Double?, at path: String, _ diagnostics: Diagnostics
  ) {
    let errorsBefore = diagnostics.errors.count
    let options = Self.options(of: component.kind)
    let reading = SelectionReading(
      component: component, reader: OptionReader(selections, options, diagnostics),
      variable: variable, path: path, diagnostics: diagnostics)
    let plan = bands.map { reading.plan(bands: $0) } ?? reading.plan()
    let percentiles = reading.percentiles()
    guard let plan, diagnostics.errors.count == errorsBefore else { return nil }
    self.component = component
    self.plan = plan
    self.noData = noData
    self.percentiles = percentiles
    zeroed = reading.zeroed
  }
}
