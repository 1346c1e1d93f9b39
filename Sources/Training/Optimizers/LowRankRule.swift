import Layers
import Recipes
import Tensors

/// Settings that the optimizers with projected gradients share.
struct LowRankRule: Sendable {
  let learningRate: Double
  let weightDecay: Double
  let rank: Int
  /// Steps between new projections.
  let interval: Int
  let scale: Double
  let side: GradientProjection.Side
  let betas: (Double, Double)
  let epsilon: Double
  let isEightBit: Bool

  /// Their options; `scale` is the factor on the update that has been projected back.
  static func options(scale: Double) -> OptionTable {
    [
      Option(
        "lr", .number, default: .required, range: .atLeast(0), aliases: ["learning_rate"],
        "Learning rate at the height of the schedule."),
      Option(
        "rank", .integer, default: 64, range: .atLeast(1),
        "Of the projected gradient; matrices with no longer sides are updated as by Adam."),
      Option(
        "update_proj_gap", .integer, default: 200, range: .atLeast(1),
        "Steps after which the projection is found anew from the gradient of the step."),
      Option(
        "scale", .number, default: .value(.number(scale)), range: .above(0), "Factor on the update."
      ),
      Option(
        "proj_type", .oneOf(GradientProjection.Side.allCases.map(\.rawValue)), default: "std",
        "Which sides of a gradient are projected: the shorter one (std), the longer one, a given one, "
          + "or both (full)."),
      Option(
        "betas", .list(.number, count: 2...2), default: [0.9, 0.999],
        "Decay of the averages of gradient and squared gradient."),
      Option("eps", .number, default: 1e-6, range: .above(0), "Added to the root."),
      Option(
        "weight_decay", .number, default: 0, range: .atLeast(0), aliases: ["wd"],
        "Decoupled decay, after the update."),
      Option(
        "state_bits", .integer, default: 32, range: .within(8...32),
        "32, or 8 for averages in 8 bits a number, by blocks of 256."),
    ]
  }

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    learningRate = options.number("lr")
    weightDecay = options.number("weight_decay")
    rank = max(1, options.int("rank"))
    interval = max(1, options.int("update_proj_gap"))
    scale = options.number("scale")
    side = GradientProjection.Side(rawValue: options.text("proj_type")) ?? .std
    epsilon = options.number("eps")
    let bits = options.int("state_bits")
    isEightBit = bits == 8
    let betas = options.numbers("betas")
    self.betas = betas.count == 2 ? (betas[0], betas[1]) : (0.9, 0.999)
    if betas.contains(where: { !(0..<1).contains($0) }) {
      diagnostics.error(
        .rule("betas \(betas) must lie in [0, 1)", mend: "Adam's are [0.9, 0.999]"),
        at: options.location, path: options.path + ".betas")
    }
    if bits != 8, bits != 32 {
      diagnostics.error(
        .rule("state_bits \(bits) must be 8 or 32", mend: "32 keeps averages as they are"),
        at: options.location, path: options.path + ".state_bits")
    }
  }

  /// Whether a parameter's gradient is projected: a matrix, or a kernel `[out, in, …]` as the matrix
  /// `[out, in · …]`, both of whose sides are longer than the rank.
  func projects(_ shape: [Int]) -> Bool {
    shape.count >= 2 && min(shape[0], shape[1...].reduce(1, *)) > rank
  }

  /// `[out, in · …]` of a parameter or gradient.
  func matrix(_ tensor: Tensor) -> Tensor { tensor.reshaped(to: [tensor.shape[0], -1]) }
}
