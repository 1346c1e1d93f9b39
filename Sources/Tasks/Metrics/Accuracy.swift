/// Share of all samples that are right.
package enum AccuracyMicro: ConfusionMetric {
  package static let name = "Accuracy_Micro"
  package static let formula = "right samples / all samples"

  package static func value(of matrix: ConfusionMatrix) -> Double {
    Double(matrix.classCounts.truePositives.reduce(0, +)) / Double(matrix.total)
  }
}

/// Overall accuracy: what remote sensing calls `Accuracy_Micro`.
package enum OverallAccuracy: ConfusionMetric {
  package static let name = "OA"
  package static let formula = "right samples / all samples; another name of Accuracy_Micro"

  package static func value(of matrix: ConfusionMatrix) -> Double {
    AccuracyMicro.value(of: matrix)
  }
}

/// Mean over classes of the share of the class's samples that are right.
package enum AccuracyMacro: ConfusionMetric {
  package static let name = "Accuracy_Macro"
  package static let perClassName: String? = "Accuracy"
  package static let formula =
    "mean over classes of right samples of the class / samples of the class, 0 for a class that was "
    + "predicted but has no sample; classes neither true nor predicted are left out; equals "
    + "Recall_Macro"

  package static func value(of matrix: ConfusionMatrix) -> Double { RecallMacro.value(of: matrix) }
  package static func perClass(_ matrix: ConfusionMatrix) -> [Double]? {
    RecallMacro.perClass(matrix)
  }
}

/// Average accuracy: mean over the classes that have samples of the share of these that are right.
package enum AverageAccuracy: ConfusionMetric {
  package static let name = "AA"
  package static let formula =
    "mean over the classes that have test samples of right samples of the class / samples of the class"

  package static func value(of matrix: ConfusionMatrix) -> Double {
    let counts = matrix.classCounts
    return meanOfDefined(
      zip(counts.truePositives, counts.actual).map { Double($0) / Double($1) })
  }
}
