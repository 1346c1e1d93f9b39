/// A part of the report on one run: data in, blocks out; left out when it has nothing to say.
struct RunSection: Sendable {
  let title: String
  let blocks: @Sendable (RunDocument) -> [Block]

  /// The order of this list is the order in the report.
  static let all: [RunSection] = [
    .header,
    .data,
    .spectra,
    .weights,
    .updates,
    .rankByLayer,
    .curves,
    .rounds,
    .results,
    .classes,
    .confusionMatrix,
    .reliability,
    .classAreas,
    .rolloutSteps,
    .samples,
    .notes,
  ]
}

/// A part of the report on several runs.
struct ComparisonSection: Sendable {
  let title: String
  let blocks: @Sendable (Comparison) -> [Block]

  /// The order of this list is the order in the report.
  static let all: [ComparisonSection] = [
    .armsTable,
    .splitTwins,
    .conclusions,
    .pairedDifferences,
    .selection,
    .rolloutByStep,
    .accuracyAgainstParameters,
    .accuracyAgainstMemory,
    .validationCurves,
    .runs,
  ]
}
