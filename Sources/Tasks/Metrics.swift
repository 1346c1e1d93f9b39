/// The metrics that recipes may name: one line each, in the order of the report's table.
package enum Metrics {
  package static let all: [any Metric.Type] = [
    VRMSE.self,
    NRMSE.self,
    VRMSEWell.self,
    RMSE.self,
    MSE.self,
    MAE.self,
    MaxError.self,
    BoundaryError.self,
    ConservedError.self,
    SpectralError.self,
    PSNR.self,
    SSIM.self,
    ReconstructionLoss.self,
  ]

  /// Finds a metric by its name, with or without a split before it (`val/VRMSE`), or by the name of
  /// one of its outputs (`spectral_high`).
  ///
  /// Names that mean different numbers in different programs are refused with the names to use.
  package static func named(_ text: String) throws(TaskError) -> any Metric.Type {
    let name = text.split(separator: "/", maxSplits: 1).last.map(String.init) ?? text
    if let meanings = ambiguous[name] {
      throw .metricAmbiguous(name: name, meanings: meanings)
    }
    guard let metric = all.first(where: { $0.name == name || $0.outputs.contains(name) }) else {
      throw .metricUnknown(name: name, known: all.map { $0.name })
    }
    return metric
  }

  private static let ambiguous: [String: [TaskError.Meaning]] = [
    "Accuracy": [
      .init(name: "Accuracy_Micro", definition: "share of all samples that are right"),
      .init(name: "Accuracy_Macro", definition: "mean of the classes' shares"),
    ],
    "F1_Score": [
      .init(name: "F1_Micro", definition: "from the counts of all classes together"),
      .init(name: "F1_Macro", definition: "mean of the classes' scores"),
    ],
  ]
}
