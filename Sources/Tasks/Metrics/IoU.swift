/// Mean over classes of intersection over union (Jaccard index), from one matrix of the whole set.
package enum MeanIoU: ClassCountMetric {
  package static let name = "mIoU"
  package static let perClassName: String? = "IoU"
  package static let formula =
    "mean over classes of TP / (TP + FP + FN) from the counts of the whole set (not image by image); "
    + "classes neither true nor predicted are left out"

  package static func value(of counts: ClassCounts) -> Double { meanOfDefined(figures(counts)) }
  package static func perClass(_ counts: ClassCounts) -> [Double]? { figures(counts) }

  private static func figures(_ counts: ClassCounts) -> [Double] {
    counts.eachSeenClass { both, actual, predicted in both / (actual + predicted - both) }
  }
}
