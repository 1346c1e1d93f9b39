/// Mean over classes of the Sørensen–Dice coefficient of the pixels of the whole set.
package enum MeanDice: ClassCountMetric {
  package static let name = "mDice"
  package static let perClassName: String? = "Dice"
  package static let formula =
    "mean over classes of 2 TP / (2 TP + FP + FN) from the counts of the whole set (not image by "
    + "image), which equals F1_Macro; classes neither true nor predicted are left out"

  package static func value(of counts: ClassCounts) -> Double { F1Macro.value(of: counts) }
  package static func perClass(_ counts: ClassCounts) -> [Double]? { F1Macro.perClass(counts) }
}
