/// Harmonic mean of precision and recall, from the counts of all classes together.
package enum F1Micro: ClassCountMetric {
  package static let name = "F1_Micro"
  package static let formula =
    "2 TP / (2 TP + FP + FN), each summed over the classes; equals Accuracy_Micro where one class is "
    + "true of each sample and one is predicted; not a number where nothing is true or predicted"

  package static func value(of counts: ClassCounts) -> Double {
    let pooled = counts.pooled
    return 2 * Double(pooled.truePositives[0]) / Double(pooled.actual[0] + pooled.predicted[0])
  }
}

/// Mean over classes of the harmonic mean of precision and recall.
package enum F1Macro: ClassCountMetric {
  package static let name = "F1_Macro"
  package static let perClassName: String? = "F1"
  package static let formula =
    "mean over classes of 2 TP / (2 TP + FP + FN); classes neither true nor predicted are left out"

  package static func value(of counts: ClassCounts) -> Double { meanOfDefined(figures(counts)) }
  package static func perClass(_ counts: ClassCounts) -> [Double]? { figures(counts) }

  private static func figures(_ counts: ClassCounts) -> [Double] {
    counts.eachSeenClass { both, actual, predicted in 2 * both / (actual + predicted) }
  }
}
