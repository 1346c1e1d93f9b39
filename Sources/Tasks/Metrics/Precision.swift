/// Share of what was called a class that is of this class, all classes' counts together.
package enum PrecisionMicro: ClassCountMetric {
  package static let name = "Precision_Micro"
  package static let formula =
    "TP / (TP + FP), each summed over the classes; equals Accuracy_Micro where one class is true of "
    + "each sample and one is predicted; not a number where nothing was predicted"

  package static func value(of counts: ClassCounts) -> Double {
    let pooled = counts.pooled
    return Double(pooled.truePositives[0]) / Double(pooled.predicted[0])
  }
}

/// Mean over classes of the share of what was called the class that is of it.
package enum PrecisionMacro: ClassCountMetric {
  package static let name = "Precision_Macro"
  package static let perClassName: String? = "Precision"
  package static let formula =
    "mean over classes of TP / (TP + FP), 0 for a class that has samples but was never predicted; "
    + "classes neither true nor predicted are left out"

  package static func value(of counts: ClassCounts) -> Double { meanOfDefined(figures(counts)) }
  package static func perClass(_ counts: ClassCounts) -> [Double]? { figures(counts) }

  private static func figures(_ counts: ClassCounts) -> [Double] {
    counts.eachSeenClass { both, _, predicted in predicted == 0 ? 0 : both / predicted }
  }
}
