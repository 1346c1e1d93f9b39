internal import Recipes

extension ComparisonSection {
  /// What a trained parameter buys: headline metric over trained parameters.
  static let accuracyAgainstParameters = ComparisonSection(
    title: "Accuracy against trained parameters"
  ) { comparison in
    CostFigure(
      title: "trained parameters", file: "parameters",
      cost: { Double($0.model.trainableParameters) }, words: { Numbers.count(Int($0.rounded())) }
    ).blocks(comparison)
  }
}
