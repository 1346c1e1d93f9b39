/// Share of a class's samples that were found, all classes' counts together.
package enum RecallMicro: ClassCountMetric {
  package static let name = "Recall_Micro"
  package static let formula =
    "TP / (TP + FN), each summed over the classes; equals Accuracy_Micro where one class is true of "
    + "each sample and one is predicted; not a number where nothing is true"

  package static func value(of counts: ClassCounts) -> Double {
    let pooled = counts.pooled
    return Double(pooled.truePositives[0]) / Double(pooled.actual[0])
  }
}

/// Mean over classes of the share of the class's samples that were found.
package enum RecallMacro: ClassCountMetric {
  package static let name = "Recall_Macro"
  package static let perClassName: String? = "Recall"
  package static let formula =
    "mean over classes of TP / (TP + FN), 0 for a class that was predicted but has no sample; "
    + "classes neither true nor predicted are left out"

  package static func value(of counts: ClassCounts) -> Double { meanOfDefined(figures(counts)) }
  package static func perClass(_ counts: ClassCounts) -> [Double]? { figures(counts) }

  private static func figures(_ counts: ClassCounts) -> [Double] {
    counts.eachSeenClass { both, actual, _ in actual == 0 ? 0 : both / actual }
  }
}
