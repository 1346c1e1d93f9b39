/// The metrics that recipes may name: one line each, in the order of the report's table.
package enum Metrics {
  package static let all: [any Metric.Type] =
    decisions + scores + maps + fields + images + [ReconstructionLoss.self]

  /// Decisions for one class per sample or pixel, or label by label.
  private static let decisions: [any Metric.Type] = [
    AccuracyMicro.self,
    OverallAccuracy.self,
    AccuracyMacro.self,
    AverageAccuracy.self,
    Kappa.self,
    PrecisionMicro.self,
    PrecisionMacro.self,
    RecallMicro.self,
    RecallMacro.self,
    F1Micro.self,
    F1Macro.self,
    MeanIoU.self,
    MeanDice.self,
  ]

  /// Probabilities of classes or labels.
  private static let scores: [any Metric.Type] = [
    MeanAveragePrecisionMacro.self,
    MeanAveragePrecisionMicro.self,
    AUROCMacro.self,
    ECE.self,
    Brier.self,
  ]

  /// Shapes in class maps.
  private static let maps: [any Metric.Type] = [
    BoundaryIoU.self,
    HD95.self,
  ]

  /// Physical fields and regression.
  private static let fields: [any Metric.Type] = [
    VRMSE.self,
    NRMSE.self,
    VRMSEWell.self,
    RMSE.self,
    MSE.self,
    MAE.self,
    R2.self,
    Bias.self,
    MaxError.self,
    BoundaryError.self,
    ConservedError.self,
    SpectralError.self,
  ]

  /// Images with values from 0 to 1.
  private static let images: [any Metric.Type] = [
    PSNR.self,
    SSIM.self,
    SSIMUniform.self,
  ]

  /// Finds a metric by its name, with or without a split before it (`val/VRMSE`), or by the name of
  /// one of its outputs (`spectral_high`; `IoU_water` where `classNames` has `water`).
  ///
  /// Names that mean different numbers in different programs are refused with the names to use.
  package static func named(
    _ text: String, classNames: [String] = []
  ) throws(TaskError) -> any Metric.Type {
    let name = text.split(separator: "/", maxSplits: 1).last.map(String.init) ?? text
    if let meanings = ambiguous[name] {
      throw .metricAmbiguous(name: name, meanings: meanings)
    }
    let found =
      all.first { $0.name == name || $0.outputs.contains(name) }
      ?? all.first {
        ($0 as? any ClassMetric.Type)?.outputs(classNames: classNames).contains(name) ?? false
      }
    guard let found else { throw .metricUnknown(name: name, known: all.map { $0.name }) }
    return found
  }

  private static let ambiguous: [String: [TaskError.Meaning]] = [
    "Accuracy": [
      .init(name: "Accuracy_Micro", definition: "share of all samples that are right"),
      .init(name: "Accuracy_Macro", definition: "mean of the classes' shares"),
    ],
    "F1_Score": averages(of: "F1"),
    "F1": averages(of: "F1"),
    "Precision": averages(of: "Precision"),
    "Recall": averages(of: "Recall"),
    "mAP": [
      .init(name: "mAP_Macro", definition: "mean of the classes' average precisions"),
      .init(name: "mAP_Micro", definition: "all pairs of sample and class in one ranking"),
    ],
    "AUROC": [
      .init(
        name: "AUROC_Macro",
        definition: "mean over classes, one against the rest; with two classes the second's")
    ],
    "Dice": [
      .init(name: "mDice", definition: "mean over classes, with Dice_<class> for each"),
      .init(name: "F1_Micro", definition: "from the counts of all classes together"),
    ],
    "Jaccard": jaccard,
    "IoU": jaccard,
  ]

  private static func averages(of score: String) -> [TaskError.Meaning] {
    [
      .init(name: "\(score)_Micro", definition: "from the counts of all classes together"),
      .init(name: "\(score)_Macro", definition: "mean of the classes' scores"),
    ]
  }

  private static let jaccard = [
    TaskError.Meaning(name: "mIoU", definition: "mean over classes, with IoU_<class> for each")
  ]
}
