package import Formats
package import Layers
package import Recipes
import Tensors

/// Rotation of pairs of outputs (RoAd, arXiv 2409.00119, equation 5; as in PEFT 0.21.2, `ROAD`):
/// y' = R (W x + b).
///
/// Outputs come in groups of `group_size`, and output j of a group's first half is turned with output j
/// of its second: p' = c p − s q, q' = c' q + s' p with c = α cos θ, s = α sin θ. θ (zero at first) and
/// α (one) are `[out/2]` for `road_1`, one for each pair; `[out]` for `road_2`, one for each output;
/// `[2 out]` for `road_4`, by groups first those of all c, then those of all s.
package struct RoAd: PEFTMethod {
  package enum Variant: String, Sendable, CaseIterable {
    case pair = "road_1"
    case output = "road_2"
    case full = "road_4"

    /// Values of θ for `outputs` outputs.
    func count(_ outputs: Int) -> Int {
      switch self {
      case .pair: outputs / 2
      case .output: outputs
      case .full: 2 * outputs
      }
    }
  }

  package static let name = "road"
  package static let summary = "rotation and scaling of pairs of outputs (RoAd)"
  package static let options: OptionTable = [
    Option(
      "variant", .choice(Variant.self), default: "road_1",
      "road_1: one angle for a pair; road_2: one for an output; road_4: two for an output."),
    Option(
      "group_size", .integer, default: 64, range: .atLeast(2),
      "Outputs whose halves are paired: an even divisor of the outputs."),
  ]
  package static let peftType = "ROAD"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["bias", "exclude_modules"]

  package let fields: JSONObject
  private let variant: Variant
  private let groupSize: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    variant = options.choice("variant", as: Variant.self)
    groupSize = options.int("group_size")
    fields = PEFTFields.object(options, ["init_weights": true])
    if groupSize % 2 != 0 {
      diagnostics.error(
        .rule("group_size is odd", mend: "choose an even divisor of the outputs"),
        at: options.location,
        path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try require(
      groupSize, divides: target.rows.count, "outputs", of: target, option: "group_size")
    let shape = [variant.count(target.rows.count)]
    return RoAdBranch(
      angle: target.parameter("road_theta", shape, .zeros),
      scale: target.parameter("road_alpha", shape, .ones), variant: variant, size: groupSize)
  }

  package func trainableCount(for target: AdapterTarget) -> Int {
    2 * variant.count(target.rows.count)
  }
}

private struct RoAdBranch: Branch {
  let angle: Parameter
  let scale: Parameter
  let variant: RoAd.Variant
  let size: Int

  var parameters: [Parameter] { [angle, scale] }

  func output(
    _ y: Tensor, input x: Tensor, of layer: SiteRows, context: ForwardContext
  ) -> Tensor { turned(y) }

  func merged(
    _ weight: Tensor, _ bias: Tensor?, _ layer: SiteRows
  ) throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?) {
    (turned(weight.transposed).transposed, bias.map { turned($0) })
  }

  /// Outputs on the last axis.
  private func turned(_ y: Tensor) -> Tensor {
    let (cosines, sines) = factors
    let half = size / 2
    let groups = y.reshaped(to: [-1, 2, half])
    let swapped = Tensor.concatenated(
      [groups.sliced(axis: 1, 1..<2).scaled(by: -1), groups.sliced(axis: 1, 0..<1)], axis: 1)
    return y * cosines + swapped.reshaped(to: y.shape) * sines
  }

  /// c and s of every output, `[out]`.
  private var factors: (Tensor, Tensor) {
    let cosines = scale() * angle().cosine()
    let sines = scale() * angle().sine()
    switch variant {
    case .pair:
      func twice(_ values: Tensor) -> Tensor {
        let half = size / 2
        let pairs = values.reshaped(to: [-1, 1, half])
        return pairs.expanded(to: [pairs.shape[0], 2, half]).reshaped(to: [-1])
      }
      return (twice(cosines), twice(sines))
    case .output: return (cosines, sines)
    case .full:
      func part(_ values: Tensor, _ index: Int) -> Tensor {
        values.reshaped(to: [-1, 2, size]).sliced(axis: 1, index..<(index + 1))
          .reshaped(to: [-1])
      }
      return (part(cosines, 0), part(sines, 1))
    }
  }
}
