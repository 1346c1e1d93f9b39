import Layers
package import Recipes
import Tensors

/// Trained queries that gather what tokens hold and give it back (Q-Adapter; from the abstract, so that
/// the form is a decision of this project).
///
/// With x the stream before the MLP's norm, x↓ = D x + d `[tokens, h]`, the queries Q `[q, h]` become
/// Q' = softmax(Q x↓ᵀ / √h) x↓, tokens read them, o = softmax(x↓ Q'ᵀ / √h) Q', and the MLP's output gets
/// tanh(g) (U o + u). The gate g `[1]` starts at zero, so that the first output is the base's; D and U start
/// Xavier uniform, Q normal with deviation 1/√h, biases at zero.
package struct QAdapter: StreamMethod {
  package static let name = "q-adapter"
  package static let summary = "trained queries that gather from tokens and give back (Q-Adapter)"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "h", .integer, default: 32, range: .atLeast(1), "Width of queries and projected tokens."),
    Option(
      "n_queries", .integer, default: 16, range: .atLeast(1), "Queries q of a block."),
    StreamPlacement.scaleOption(),
  ]
  package static let peftType = "Q_ADAPTER"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let placement: StreamPlacement
  private let hidden: Int
  private let queries: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    hidden = max(1, options.int("h"))
    queries = max(1, options.int("n_queries"))
    placement = .besideMLP(options)
  }

  package func makeMap(_ scope: BranchScope, _ shared: SharedValues) -> any StreamMap {
    let width = scope.width
    return QueryMap(
      down: scope.linear(
        "adapter_down", inputs: width, outputs: hidden, .xavier(inputs: width, outputs: hidden)),
      up: scope.linear(
        "adapter_up", inputs: hidden, outputs: width, .xavier(inputs: hidden, outputs: width)),
      queries: scope.parameter(
        "queries", [queries, hidden],
        .normal(standardDeviation: 1 / Double(hidden).squareRoot())),
      gate: scope.parameter("gate", [1], .zeros))
  }

  /// 2 width h + h + width, q h and 1.
  package func mapCount(width: Int) -> Int {
    LinearMap.count(width, hidden) + LinearMap.count(hidden, width) + queries * hidden + 1
  }
}

private struct QueryMap: StreamMap {
  let down: LinearMap
  let up: LinearMap
  let queries: Parameter
  let gate: Parameter

  var parameters: [Parameter] { down.parameters + up.parameters + [queries, gate] }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let (hidden, count) = (queries.shape[1], queries.shape[0])
    let scale = 1 / Double(hidden).squareRoot()
    let tokens = down(x)
    let asked = queries().reshaped(to: [1, count, hidden])
      .expanded(to: [tokens.shape[0], count, hidden])
    let gathered = batchedProduct(
      batchedProduct(asked, tokens, transposeB: true).scaled(by: scale).softmax(), tokens)
    let read = batchedProduct(
      batchedProduct(tokens, gathered, transposeB: true).scaled(by: scale).softmax(), gathered)
    let change = up(read)
    return change * gate().hyperbolicTangent().expanded(to: [x.shape[x.rank - 1]])
  }
}
