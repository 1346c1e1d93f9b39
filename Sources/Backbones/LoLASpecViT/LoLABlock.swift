package import Layers
package import Tensors

/// A block: x + attention in windows of LN₁(x), then + MLP of LN₂, both under drop path.
///
/// The MLP is a linear layer, a SwiGLU of the hidden width and a linear layer back, with nothing
/// between them.
package struct LoLABlock: Sendable {
  private let norm1: LayerNorm
  private let attention: LoLAWindowAttention
  private let attentionPath: DropPath
  private let norm2: LayerNorm
  private let hidden: Linear
  private let activation: LoLASwiGLU
  private let output: Linear
  private let outputPath: DropPath
  private let plan: LoLAWindowPlan

  /// Makes the layers for a grid that is cut into windows by `plan`.
  ///
  /// `dropPath` is the probability that a sample loses one of the two branches.
  package init(
    _ scope: Scope, width: Int, heads: Int, window: Int, mlpRatio: Double, dropPath: Double,
    plan: LoLAWindowPlan
  ) {
    self.plan = plan
    norm1 = LayerNorm(scope / "norm1", width: width, epsilon: 1e-5)
    attention = LoLAWindowAttention(
      scope / "attn", width: width, heads: heads, window: window)
    attentionPath = DropPath(scope, "drop_path.attn", probability: dropPath)
    norm2 = LayerNorm(scope / "norm2", width: width, epsilon: 1e-5)
    let inner = Int(Double(width) * mlpRatio)
    hidden = Linear(
      scope / "mlp" / 0, inputs: width, outputs: inner, groups: lolaMLPGroups,
      initialization: lolaInitialization)
    activation = LoLASwiGLU(scope / "mlp" / 1, inputs: inner, hidden: inner, outputs: inner)
    output = Linear(
      scope / "mlp" / 3, inputs: inner, outputs: width, groups: lolaMLPGroups,
      initialization: lolaInitialization)
    outputPath = DropPath(scope, "drop_path.mlp", probability: dropPath)
  }

  /// `[batch, rows, columns, width]` to the same shape.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let middle = x + attentionPath(attended(norm1(x), context), context)
    let inner = activation(hidden(norm2(middle), context), context)
    return middle + outputPath(output(inner, context), context)
  }

  private func attended(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    joined(
      plan.regions.map { row in
        joined(row.map { attended(x, $0, context) }, axis: 2)
      }, axis: 1)
  }

  private func attended(
    _ x: Tensor, _ region: LoLAWindowPlan.Region, _ context: ForwardContext
  ) -> Tensor {
    let part = x.sliced(axis: 1, region.rows).sliced(axis: 2, region.columns)
    let windows = lolaWindows(of: part, height: region.height, width: region.width)
    return lolaGrid(
      of: attention(windows, region, context), rows: region.rows.count,
      columns: region.columns.count, height: region.height, width: region.width)
  }

  /// Parts side by side; a single one is not copied.
  private func joined(_ parts: [Tensor], axis: Int) -> Tensor {
    parts.count == 1 ? parts[0] : .concatenated(parts, axis: axis)
  }
}

private let lolaMLPGroups = ["mlp", "all-linear"]

/// SwiGLU (arXiv 2002.05202, section 2): W₃(silu(W₁ x) ∘ W₂ x), each with a bias.
package struct LoLASwiGLU: Sendable {
  private let gate: Linear
  private let value: Linear
  private let output: Linear

  /// Layers `w1`, `w2` `[hidden, inputs]` and `w3` `[outputs, hidden]`.
  package init(_ scope: Scope, inputs: Int, hidden: Int, outputs: Int) {
    func layer(_ name: String, _ inputs: Int, _ outputs: Int) -> Linear {
      Linear(
        scope / name, inputs: inputs, outputs: outputs, groups: lolaMLPGroups,
        initialization: lolaInitialization)
    }
    gate = layer("w1", inputs, hidden)
    value = layer("w2", inputs, hidden)
    output = layer("w3", hidden, outputs)
  }

  /// From `[..., inputs]` to `[..., outputs]`.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    output(gate(x, context).silu() * value(x, context), context)
  }
}
