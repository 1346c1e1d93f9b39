package import Formats
package import Layers
package import Recipes
import Tensors

/// Circular convolution adaptation (C³A, arXiv 2407.19342, section 3.3; as in PEFT 0.21.2, `C3A`): ΔW in
/// b × b blocks that are circulant.
///
/// `c3a_kernel` is `[out/b, in/b, b]`; entry (u, v) of block (p, q) is kernel[p, q, (v − u) mod b]/in.
/// First values are uniform in ±√(6/(in + out)), so that the first output is not the frozen model's, or
/// zero with `init_weights: true`.
///
/// PEFT's backward pass gives the input the gradient of kernel[p, q, (u + v) mod b] instead, so that all
/// layers below train on a wrong one. `peft_gradient` does the same, and is on for what is read from a
/// directory, so that training goes on as it began; a recipe's own adapter has the derivative.
package struct C3A: PEFTMethod {
  package static let name = "c3a"
  package static let summary = "update of circulant blocks (C3A)"
  package static let options: OptionTable = [
    Option(
      "block_size", .integer, default: 256, range: .atLeast(1),
      "Size of blocks, a divisor of inputs and outputs."),
    Option(
      "init_weights", .oneOf(["xavier_uniform", "true"]), default: "xavier_uniform",
      "First values: xavier_uniform, or true for zeros."),
    Option(
      "peft_gradient", .boolean, default: false,
      "Whether layers below get the gradient that PEFT gives them, which is not the derivative."),
  ]
  package static let peftType = "C3A"
  package static let capabilities: AdapterCapabilities = [.linear, .mergeable, .portable, .rows]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "c3a_only"

  package let fields: JSONObject
  private let blockSize: Int
  private let startsAtZero: Bool
  private let hasPEFTGradient: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    blockSize = options.int("block_size")
    startsAtZero = options.text("init_weights") == "true"
    hasPEFTGradient = options.bool("peft_gradient")
    fields = PEFTFields.object(
      options, without: ["peft_gradient"], PEFTFields.layers,
      ["block_size_pattern": [:], "init_weights": startsAtZero ? true : "xavier_uniform"])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rows, inputs, size) = (target.rows.count, target.inputs, size(target))
    try require(size, divides: inputs, "inputs", of: target, option: "block_size")
    try require(size, divides: rows, "outputs", of: target, option: "block_size")
    let bound = (6 / Double(rows + inputs)).squareRoot()
    return C3ADelta(
      kernel: target.parameter(
        "c3a_kernel", [rows / size, inputs / size, size],
        startsAtZero ? .zeros : .uniform(bound: bound)), hasPEFTGradient: hasPEFTGradient)
  }

  /// out · in/b.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rows.count * target.inputs / size(target)
  }

  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var fields = wholeFields
    setPattern(
      "block_size", "block_size_pattern",
      adapter.modules.map { ($0.target.site.path, .integer(size($0.target))) }, &fields)
    return fields
  }

  /// A file's first values do not matter.
  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    namedOptions(configuration).filter { $0.key != "init_weights" }
      + [PlainValue.Field("peft_gradient", true)]
  }

  /// A file's own size, which patterns may set by module.
  private func size(_ target: AdapterTarget) -> Int {
    target.stored["c3a_kernel"]?.last ?? blockSize
  }
}

private struct C3ADelta: WeightDelta {
  let kernel: Parameter
  let hasPEFTGradient: Bool

  var parameters: [Parameter] { [kernel] }

  func delta(_ layer: SiteRows) -> Tensor { blocks(layer) { ($1 - $0 + $2) % $2 } }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    guard hasPEFTGradient else {
      return layer.applied(delta(layer), bias: nil, to: x, outputs: outputs)
    }
    let y = layer.applied(delta(layer), bias: nil, to: x.detached(), outputs: outputs)
    let wrong = layer.applied(
      blocks(layer) { ($0 + $1) % $2 }.detached(), bias: nil, to: x, outputs: outputs)
    return y + (wrong - wrong.detached())
  }

  /// ΔW with the kernel's entry of that number at (u, v) of a block of size b.
  private func blocks(_ layer: SiteRows, _ place: (_ u: Int, _ v: Int, _ b: Int) -> Int) -> Tensor {
    let (down, across, size) = (kernel.shape[0], kernel.shape[1], kernel.shape[2])
    let places = (0..<(size * size)).map { Int32(place($0 / size, $0 % size, size)) }
    return kernel().gathered(axis: 2, indices: Tensor(places, shape: [size * size]))
      .reshaped(to: [down, across, size, size]).permuted([0, 2, 1, 3])
      .reshaped(to: [down * size, across * size]).scaled(by: 1 / Double(layer.site.inputs))
  }
}
