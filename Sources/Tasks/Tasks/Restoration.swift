package import Recipes
package import Tensors

/// The clean image from a degraded one; values run from 0 to 1.
package struct Restoration: SampleTask {
  package static let name = "restoration"
  package static let summary = "the clean image from a degraded one"
  package static let options: OptionTable = []
  package static let target = TargetKind.image
  package static let output = OutputForm.image
  package static let isJudgedBySample = true
  package static let headline: any Metric.Type = PSNR.self
  package static let standardMetrics: [any Metric.Type] = [PSNR.self, SSIM.self]
  package static let standardLoss: String? = "psnr"
  package static let baselineName = "degraded input"

  package static func judges(_ metric: any Metric.Type) -> Bool {
    let types: [any Metric.Type] = [PSNR.self, SSIM.self, MAE.self, MSE.self, RMSE.self]
    return types.contains { $0 == metric }
  }

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    guard target.kind == .image else {
      throw .targetUnfit(
        task: Self.name, found: target.kind.meaning, expected: "clean images")
    }
    self.target = target
  }

  package var outputs: Int { target.names.count }

  package func baseline(_ fields: [String: Tensor], input: String) -> Tensor {
    guard let degraded = fields[input] else { preconditionFailure("a batch without \(input)") }
    return degraded
  }

  package func judge(_ metrics: [any Metric.Type], _ comparison: ImageComparison) -> any Judge {
    FieldJudge(images: metrics, comparison)
  }
}
