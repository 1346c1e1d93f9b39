package import Layers
package import Tensors

/// Attention within windows, with a learned bias for each relative position (arXiv 2103.14030,
/// equation 4).
///
/// The tokens of zeros that fill up a window have the bias of `qkv` as key and value, and every token
/// attends to them: so does the reference, which masks nothing. See `LoLAWindowPlan`.
package struct LoLAWindowAttention: Sendable {
  private let qkv: Linear
  private let projection: Linear
  private let biasTable: Parameter
  private let heads: Int

  /// Parameters `qkv` `[3 · width, width]`, ordered query, key, value and in each by head, `proj`, and
  /// `relative_position_bias_table` `[(2 · window − 1)², heads]`.
  package init(_ scope: Scope, width: Int, heads: Int, window: Int) {
    self.heads = heads
    let groups = ["attention", "all-linear"]
    qkv = Linear(
      scope / "qkv", inputs: width, outputs: 3 * width, groups: groups,
      rowNames: [
        ("q", 0..<width), ("k", width..<(2 * width)), ("v", (2 * width)..<(3 * width)),
      ], initialization: lolaInitialization)
    projection = Linear(
      scope / "proj", inputs: width, outputs: width, groups: groups,
      initialization: lolaInitialization)
    biasTable = scope.parameter(
      "relative_position_bias_table", shape: [(2 * window - 1) * (2 * window - 1), heads],
      lolaInitialization)
  }

  /// Mixes the tokens of each window.
  ///
  /// - Parameters:
  ///   - windows: `[batch · windows, token, width]` of one region.
  ///   - region: what the windows are like.
  ///   - mask: added to the scores, `[windows of a sample, token, token + padding]`, nil for nothing.
  ///   - context: of the forward pass.
  /// - Returns: the shape of `windows`.
  package func callAsFunction(
    _ windows: Tensor, _ region: LoLAWindowPlan.Region, mask: Tensor? = nil,
    _ context: ForwardContext
  ) -> Tensor {
    let (tokens, width) = (region.tokens, windows.shape[2])
    let isFilled = region.padding > 0
    let projected = qkv(windows.padded(axis: 1, before: 0, after: isFilled ? 1 : 0), context)
    let bias = bias(region, mask: mask, windows: windows.shape[0])
    guard isFilled else {
      return projection(attention(packed: projected, heads: heads, bias: bias), context)
    }
    let own = projected.sliced(axis: 1, 0..<tokens)
    let empty = projected.sliced(axis: 1, tokens..<(tokens + 1))
      .sliced(axis: 2, width..<(3 * width))
    let attended = Tensor.concatenated(
      [
        own.sliced(axis: 2, width..<(3 * width)),
        empty.expanded(to: [windows.shape[0], region.padding, 2 * width]),
      ], axis: 1)
    let mixed = attention(
      queries: own.sliced(axis: 2, 0..<width), keysAndValues: attended, heads: heads, bias: bias)
    return projection(mixed, context)
  }

  /// `[1, head, token, token + padding]`, or with a mask the same for every window.
  private func bias(_ region: LoLAWindowPlan.Region, mask: Tensor?, windows: Int) -> Tensor {
    let (tokens, keys) = (region.tokens, region.tokens + region.padding)
    let shared = biasTable().gathered(axis: 0, indices: region.biasRows)
      .reshaped(to: [tokens, keys, heads]).permuted([2, 0, 1])
      .reshaped(to: [1, heads, tokens, keys])
    guard let mask else { return shared }
    let count = mask.shape[0]
    let masked =
      shared.expanded(to: [count, heads, tokens, keys])
      + mask.reshaped(to: [count, 1, tokens, keys]).expanded(to: [count, heads, tokens, keys])
    return masked.reshaped(to: [1, count, heads, tokens, keys])
      .expanded(to: [windows / count, count, heads, tokens, keys])
      .reshaped(to: [windows, heads, tokens, keys])
  }
}

/// First values of linear layers and tables; biases are 0.
let lolaInitialization = Initialization.normal(standardDeviation: 0.02)
