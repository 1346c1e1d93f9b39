internal import Recipes

/// Numeric settings whose chosen value is the least or greatest of those offered.
enum SettingEnds {
  /// Dotted keys; only those with at least three values among the candidates.
  static func keys(of run: Comparison.ChosenRun) -> [String] {
    guard let chosen = run.candidates.firstIndex(where: \.isChosen) else { return [] }
    return RecipeSettings.differences(run.candidates.map(\.document.settings)).compactMap {
      key, texts in
      let values = texts.compactMap(Double.init)
      guard values.count == texts.count, Set(values).count > 2 else { return nil }
      return values[chosen] == values.min() || values[chosen] == values.max() ? key : nil
    }
  }
}
