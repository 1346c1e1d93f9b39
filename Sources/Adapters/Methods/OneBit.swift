import Layers
package import Recipes
import Tensors

/// AdaptFormer with weights of few bits (arXiv 2307.16867, section 3).
///
/// x₂ = x₁ + MLP(norm x₁) + s Q(U) relu(Q(D) x₁), D `[h, width]`, U `[width, h]`, no biases. Q(w) = s_w
/// q((w − μ)/(s_w + 1e-5)) + μ with the mean μ and the unbiased deviation s_w of all of w, which
/// carry gradient, and q the nearest of 2^bits levels, passed straight through. U starts normal with
/// deviation 0.001, cut off at twice that, since zeros have no deviation: the start is not the frozen
/// model.
package struct OneBit: StreamMethod {
  package static let name = "one-bit"
  package static let summary = "adaptformer whose weights have 1, 2, 4 or 8 bits"
  package static let options: OptionTable = [
    Option("h", .integer, default: 32, range: .atLeast(1), "Width of the bottleneck."),
    bitsOption,
    Option(
      "activation", .choice(BottleneckActivation.self), default: "relu",
      "Function between the two maps."),
    Option(
      "dropout", .number, default: 0.1, range: .within(0..<1), "Dropout before the second map."),
    StreamPlacement.scaleOption(),
  ]
  package static let peftType = "ONE_BIT"
  package static let capabilities: AdapterCapabilities = [.blocks]
  package static let detachedGradients = QuantizedMap.names

  package let reader: OptionReader
  package let placement: StreamPlacement
  private let hidden: Int
  private let book: CodeBook
  private let activation: BottleneckActivation
  private let dropout: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    hidden = max(1, options.int("h"))
    book = CodeBook(bits: options.bits(diagnostics))
    activation = options.choice("activation", as: BottleneckActivation.self)
    dropout = options.number("dropout")
    placement = .besideMLP(options)
  }

  /// Option `bits`.
  static let bitsOption = Option(
    "bits", .integer, default: 1, range: .within(1...8), "Bits of a weight: 1, 2, 4 or 8.")

  package func makeMap(_ scope: BranchScope, _ shared: SharedValues) -> any StreamMap {
    OneBitMap(
      weights: QuantizedMap(inputs: scope.width, hidden: hidden, outputs: scope.width, book) {
        scope.parameter($0, $1, $2)
      }, activation: activation,
      dropout: Dropout(path: scope.path(to: "dropout"), probability: dropout))
  }

  /// 2 width h.
  package func mapCount(width: Int) -> Int { 2 * width * hidden }
}

extension OptionReader {
  /// Option `bits`: as many as divide a byte.
  func bits(_ diagnostics: Diagnostics) -> Int {
    let bits = int("bits")
    if 8 % max(1, bits) == 0 { return max(1, bits) }
    if let value = value("bits") {
      diagnostics.error(
        .rule("\(bits) bits do not fill a byte", mend: "choose 1, 2, 4 or 8"), at: value)
    }
    return 1
  }
}

/// Two quantized matrices: D `[hidden, inputs]` and U `[outputs, hidden]`.
struct QuantizedMap: Sendable {
  let down: Parameter
  let up: Parameter
  private let book: CodeBook

  var parameters: [Parameter] { [down, up] }
  /// The values that multiply.
  var quantizedDown: Tensor { down().quantized(book) }
  var quantizedUp: Tensor { up().quantized(book) }

  static let names = ["adapter_down", "adapter_up"]

  init(
    inputs: Int, hidden: Int, outputs: Int, _ book: CodeBook,
    _ parameter: (String, [Int], Initialization) -> Parameter
  ) {
    self.book = book
    down = parameter(Self.names[0] + ".weight", [hidden, inputs], .fanIn(inputs))
    up = parameter(
      Self.names[1] + ".weight", [outputs, hidden], .truncatedNormal(standardDeviation: 0.001))
  }
}

private struct OneBitMap: StreamMap {
  let weights: QuantizedMap
  let activation: BottleneckActivation
  let dropout: Dropout

  var parameters: [Parameter] { weights.parameters }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let hidden = activation(linear(x, weight: weights.quantizedDown))
    return linear(dropout(hidden, context), weight: weights.quantizedUp)
  }
}
