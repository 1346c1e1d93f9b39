package import Layers
package import Recipes
import Synchronization
import Tensors

/// A low-rank update that is trained through the rounding of the weight (EfficientDM, arXiv 2310.03270,
/// section 4.1): W' = Q(W + s B A), x' = Q(x), so that the trained layer is a plain low-bit one.
///
/// Q(w) = δ (clip(⌊w/δ⌉ + z, 0, 2ᵇ − 1) − z), the rounding passed straight through. A weight has a step and a
/// whole z for every row (`weight_step` trained, `weight_zero_point` fixed, `[rows]`), an input one of each
/// (`input_step`, `input_zero_point`, trained, z rounded), found on `samples` training samples. A and B
/// start as LoRA's; the convolution's B is 1 × 1.
///
/// Rates: A and B by the layer's mean weight step, weight steps by 1/400 and input grids by 1.25 of the run's;
/// with `lr: 4e-4` these are those of the authors' program (mean step/2500, 1e-6, 5e-4). The program trains
/// towards the outputs of the model in full precision, a diffusion model's with steps for every time; here
/// the loss is the task's and there is one grid. Its weights are rounded once before, which changes nothing
/// of the first output.
package struct EfficientDM: RecordsOptions {
  package static let name = "efficientdm"
  package static let summary = "LoRA trained through the rounding to a low-bit layer (EfficientDM)"
  package static let options: OptionTable = [
    .rank(32), .alpha(),
    Option(
      "weight_bits", .integer, default: 4, range: .within(2...8), "Bits of the layer's weight."),
    Option(
      "activation_bits", .integer, default: 8, range: .within(0...8),
      "Bits of the layer's input; 0 leaves it in full, so that the layer can be merged."),
    Option(
      "samples", .integer, default: 16, range: .atLeast(1),
      "Training samples on which the first grids of inputs are found."),
    Option(
      "scale_aware", .boolean, default: true,
      "Rates of every layer by its weight's step; false takes the run's for all."),
  ]
  package static let peftType = "EFFICIENTDM"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .mergeable, .readsBase,
  ]
  package static let detachedGradients = ["lora_A", "lora_B", "weight_step", "input_"]
  package static let trainingOptions: Set<String> = ["samples", "scale_aware"]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let weightBits: Int
  private let inputBits: Int
  private let samples: Int
  private let isScaleAware: Bool
  /// Mean weight step by the path of the values of a target.
  private let steps = MeanSteps()

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    weightBits = options.int("weight_bits")
    inputBits = options.int("activation_bits")
    samples = options.int("samples")
    isScaleAware = options.bool("scale_aware")
    if inputBits == 1 {
      diagnostics.error(
        .rule("an input in 1 bit is not offered", mend: "give 2 bits at least, or 0 for none"),
        at: options.location, path: options.path)
    }
  }

  package var ownInitialization: (any AdapterInitialization)? {
    inputBits > 0 ? InputGrids(bits: inputBits, samples: samples) : nil
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let grids = AffineGrid.rows(of: target.layer.weight, bits: weightBits)
    let count = grids.count
    steps.remember(grids.reduce(0) { $0 + Double($1.step) } / Double(max(1, count)), of: target)
    let input =
      target.inputGrid ?? AffineGrid(step: 1 / 16, zero: Float(1 << max(0, inputBits - 1)))
    func scalar(_ name: String, _ value: Float) -> Parameter {
      target.parameter(name, Tensor([value], shape: [1]))
    }
    return LowBitMap(
      pair: LoRADelta(target),
      step: target.parameter("weight_step", Tensor(grids.map(\.step), shape: [count])),
      zero: target.buffer("weight_zero_point", Tensor(grids.map(\.zero), shape: [count])),
      bits: weightBits,
      input: inputBits == 0
        ? nil
        : LowBitMap.Input(
          step: scalar("input_step", input.step), zero: scalar("input_zero_point", input.zero),
          bits: inputBits))
  }

  /// r (in·kernel + rows) + rows, and 2 for the input.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.site.inputs + target.rows.count) + target.rows.count
      + (inputBits > 0 ? 2 : 0)
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy {
    guard isScaleAware else { return UpdatePolicy() }
    if parameter.path.hasSuffix(".weight_step") { return UpdatePolicy(rateFactor: 1.0 / 400) }
    if parameter.path.contains(".input_") { return UpdatePolicy(rateFactor: 1.25) }
    return UpdatePolicy(rateFactor: steps.mean(of: parameter) ?? 1)
  }
}

/// Mean steps of weights, by the paths of their pairs.
private final class MeanSteps: Sendable {
  private let steps = Mutex<[String: Double]>([:])

  func remember(_ step: Double, of target: AdapterTarget) {
    for name in ["lora_A.weight", "lora_B.weight"] {
      steps.withLock { $0[target.path(to: name)] = step }
    }
  }

  func mean(of parameter: Parameter) -> Double? { steps.withLock { $0[parameter.path] } }
}

/// A layer whose weight, and input where it has a grid, are rounded in every pass.
struct LowBitMap: WeightMap {
  /// The grid of a layer's input.
  struct Input {
    /// `[1]`, as its z.
    let step: Parameter
    let zero: Parameter
    let bits: Int
  }

  let pair: LoRADelta
  /// `[rows]`, as its z.
  let step: Parameter
  let zero: Parameter
  let bits: Int
  let input: Input?

  var parameters: [Parameter] {
    pair.parameters + [step] + (input.map { [$0.step, $0.zero] } ?? [])
  }
  var buffers: [Parameter] { pair.buffers + [zero] }

  func weight(_ base: Tensor, _ layer: SiteRows) throws(UnmergeableDelta) -> Tensor {
    guard input == nil else {
      throw UnmergeableDelta(
        "the layer rounds its input too. Export the run with --format low-bit, or train with "
          + "activation_bits: 0")
    }
    return rounded(base, layer)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    layer.applied(rounded(layer.weight, layer), bias: layer.bias, to: rounded(x))
  }

  /// Q(W + s B A), matricised.
  func rounded(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let sum = base + pair.delta(layer)
    return GridRounding(sum, steps: step.value, zeros: zero.value, bits: bits).byRows(step())
  }

  /// Q(x).
  func rounded(_ x: Tensor) -> Tensor {
    guard let input else { return x }
    return GridRounding(x, steps: input.step.value, zeros: input.zero.value, bits: input.bits)
      .byOne(step: input.step(), zero: input.zero())
  }
}
