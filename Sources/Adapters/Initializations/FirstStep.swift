import Layers
import Recipes
import Tensors

/// Factors of the first step that full fine-tuning would make (LoRA-SB, arXiv 2411.19557, section 3.2):
/// D = −η sign(Σ ∂L/∂W) over calibration samples, Adam's first update; of D = U S Vᵀ, B = U_r,
/// A = V_rᵀ, R = diag(S_r)/s.
///
/// The method `lora-sb` names it itself; without samples (a model that is only looked at) targets stay
/// as they are.
struct FirstStep: AdapterInitialization {
  static let name = "first-step"
  static let summary = "singular vectors of the first step of full fine-tuning"
  static let options: OptionTable = []
  static let needs = CalibrationNeed.data
  static let findsValues = true

  let rate: Double
  let samples: Int

  init(_ options: OptionReader, _ diagnostics: Diagnostics) { self.init(rate: 1e-4, samples: 170) }
  init(rate: Double, samples: Int) { (self.rate, self.samples) = (rate, samples) }

  func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    for target in targets { try target.requireRank(target.rank, method: LoRASB.name) }
    guard let probe = plan.probe else { return targets }
    let sums = try probe.weightGradients(targets, samples: min(samples, probe.count))
    return zip(targets, sums).map { target, sum in
      let parts = sum.signs.scaled(by: -rate).singularValues()
      let chosen = 0..<target.rank
      var started = target
      started.start = LowRankStart(
        down: parts.right.sliced(axis: 0, chosen), up: parts.left.sliced(axis: 1, chosen),
        isOffset: false,
        core: Tensor.identity(target.rank, .f32)
          * parts.values.sliced(axis: 0, chosen).scaled(by: 1 / target.scaling))
      return started
    }
  }
}

extension CalibrationProbe {
  /// Σ ∂L/∂W over the first samples for the rows of each target, `[rows, in · kernel]`.
  func weightGradients(_ targets: [AdapterTarget], samples: Int) throws -> [Tensor] {
    var sums = [Tensor?](repeating: nil, count: targets.count)
    for sample in 0..<samples {
      let gradients = try gradients(sample: sample)
      for (index, target) in targets.enumerated() {
        guard let gradient = gradients[target.site.weight.leaf] else { continue }
        let part = gradient.reshaped(to: [target.site.outputs, target.inputs])
          .sliced(axis: 0, target.rows)
        sums[index] = sums[index].map { $0 + part } ?? part
      }
    }
    return zip(sums, targets).map { sum, target in
      (sum ?? Tensor(zeros: [target.rows.count, target.inputs])).cast(to: .f32)
    }
  }
}

extension Tensor {
  /// −1, 0 or 1 by the sign of each element, off the tape, single precision.
  fileprivate var signs: Tensor {
    let values = detached().cast(to: .f32).elements(as: Float.self)
    return Tensor(values.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 as Float }, shape: shape)
  }
}
