package import Layers
package import Recipes
package import Tensors

/// LESS ViT's mixture head: each expert weighs the channels' tokens by itself and classifies the
/// best of them; the experts' logits are averaged (less-vit.md, section 10.4).
package struct MoELinearHead: Decoder {
  package static let name = "moe-linear"
  package static let summary = "experts that choose among the tokens of channels"
  package static let options: OptionTable = [
    Option("experts", .integer, default: .required, range: .atLeast(1), "Linear classifiers."),
    Option(
      "top_k", .integer, default: 3, range: .atLeast(-1),
      "Tokens that an expert takes, -1 for all; all too where the input has fewer."),
  ]
  package static var layouts: [KeyLayout] {
    [
      KeyLayout("attune") { $0 },
      KeyLayout("less-vit") {
        $0.hasPrefix("decoder.") ? "classifier." + $0.dropFirst("decoder.".count) : $0
      },
    ]
  }

  package let blocks: [Int] = []
  private let gate: Linear
  private let experts: [Linear]
  private let chosen: Int

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    let count = max(1, options.int("experts"))
    chosen = options.int("top_k")
    if chosen == 0 {
      diagnostics.error(
        .rule("top_k 0 leaves an expert nothing", mend: "give at least 1, or -1 for all tokens"),
        at: options.location, path: options.path + ".top_k")
    }
    func linear(_ scope: Scope, _ outputs: Int) -> Linear {
      Linear(
        scope, inputs: features.width, outputs: outputs, groups: ["head"],
        initialization: .xavier(inputs: features.width, outputs: outputs))
    }
    experts = (0..<count).map { linear(scope / "classifier" / $0, outputs) }
    gate = linear(scope / "gate", count)
  }

  /// Takes the named feature `channels` `[batch, token, width]`, of a backbone without channels all
  /// tokens.
  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    guard let tokens = features.named["channels"] ?? features.tokens else {
      preconditionFailure("the backbone gives no tokens for head \(Self.name)")
    }
    let (batch, count) = (tokens.shape[0], tokens.shape[1])
    let shares = gate(tokens, context).permuted([0, 2, 1]).softmax()
    let taken = chosen < 0 ? count : min(chosen, count)
    let logits = experts.enumerated().map { index, expert in
      let share = shares.sliced(axis: 1, index..<(index + 1)).reshaped(to: [batch, count])
      let places = largest(taken, of: share)
      let weights = share.gathered(axis: 1, indices: places).softmax()
      let votes = expert(tokens.gathered(axis: 1, indices: places), context)
      return batchedProduct(weights.reshaped(to: [batch, 1, taken]), votes)
        .reshaped(to: [batch, votes.shape[2]])
    }
    return logits.dropFirst().reduce(logits[0]) { $0 + $1 }.scaled(by: 1 / Double(logits.count))
  }

  /// Numbers of the largest members of each row, `[batch, count]`.
  private func largest(_ count: Int, of rows: Tensor) -> Tensor {
    let (values, width) = (rows.elements(as: Float.self), rows.shape[1])
    let places = (0..<rows.shape[0]).flatMap { row in
      (0..<width).sorted { a, b in
        let (x, y) = (values[row * width + a], values[row * width + b])
        return x == y ? a < b : x > y
      }.prefix(count).map(Int32.init)
    }
    return Tensor(places, shape: [rows.shape[0], count])
  }
}
