package import Recipes

/// Pretraining of a backbone by reconstructing masked parts of its input (arXiv 2111.06377).
package enum MaskedPretraining: LearningTask {
  package static let name = "pretrain-mae"
  package static let summary = "masked autoencoding: the input is its own target"
  package static let options: OptionTable = []
  package static let target = TargetKind.none
  package static let headline: any Metric.Type = ReconstructionLoss.self
  package static let standardMetrics: [any Metric.Type] = [ReconstructionLoss.self]
  package static let standardLoss: String? = nil
  package static let baselineName = "visible mean"

  package static func judges(_ metric: any Metric.Type) -> Bool {
    metric is ReconstructionLoss.Type
  }
}

/// Mean over samples of the reconstruction loss of masked values.
package struct ReconstructionLoss: ScalarMetric {
  package static let name = "loss"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.dimensionless
  package static let formula =
    "mean over samples of the loss of masked values (model.pretrain.loss), in normalized units"

  private var mean = RunningMean()

  package init() {}

  package mutating func merge(_ other: ReconstructionLoss) { mean.merge(other.mean) }

  package var value: Double { mean.value }
}
