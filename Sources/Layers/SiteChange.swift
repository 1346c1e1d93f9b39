package import Tensors

/// What one adapter does to one weight, or to rows of it: a `WeightDelta`, a `WeightMap` or a `Branch`.
///
/// Changes of a site fold in the order of attachment: the weight goes through deltas and maps, the
/// output of the layer through branches.
package protocol SiteChange: Sendable {
  /// Trained values.
  var parameters: [Parameter] { get }
  /// Values that no gradient reaches and that belong to the adapter: frozen projections, indices,
  /// running averages. They are saved with it.
  var buffers: [Parameter] { get }
  /// A term of the loss, a scalar; nil for none.
  ///
  /// Counted once per optimizer step, whatever the size of the batch.
  func penalty(_ layer: SiteRows) -> Tensor?
}

extension SiteChange {
  package var buffers: [Parameter] { [] }
  package func penalty(_ layer: SiteRows) -> Tensor? { nil }
}

/// A change with a regularizer of its own, which `penalty` weighs.
package protocol Regularized: SiteChange {
  /// Before its weight in the loss, a scalar.
  func regularizer(_ layer: SiteRows) -> Tensor
}

/// A summand of the weight that does not look at the weight's value: W' = W + ΔW.
package protocol WeightDelta: SiteChange {
  /// ΔW matricised, `[rows, in · kernel]`, on the tape where its values are.
  ///
  /// - Throws: where the change depends on the input, so that no weight can stand for it.
  func delta(_ layer: SiteRows) throws(UnmergeableDelta) -> Tensor

  /// What is added to the bias beside it, `[rows]`; nil for nothing.
  var biasDelta: Tensor? { get }

  /// Dropout on the input that the delta sees while training; nil for none.
  var inputDropout: Dropout? { get }

  /// What the delta adds to the layer's output.
  ///
  /// - Parameters:
  ///   - x: the layer's input, for a linear layer possibly narrower than the weight (missing
  ///     columns are zero).
  ///   - layer: the rows that it stands on.
  ///   - outputs: number of leading rows that are wanted.
  ///   - context: of the layer's forward pass.
  /// - Returns: `[..., outputs]` for a linear layer, `[batch, outputs, size...]` for a convolution.
  func output(_ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext) -> Tensor

  /// The factors of a delta Σ s B A of a linear layer that the layer may multiply itself, as part of
  /// its own product; nil for any other change, and where something is dropped in this pass.
  func factors(_ context: ForwardContext) -> [LowRankFactors]?

  /// The linear part of a delta that as a whole is not linear, matricised, and zero in the delta from
  /// now on; nil where there is no such part.
  func takeLinearPart() -> Tensor?
}

extension WeightDelta {
  package var biasDelta: Tensor? { nil }
  package var inputDropout: Dropout? { nil }
  package func factors(_ context: ForwardContext) -> [LowRankFactors]? { nil }
  package func takeLinearPart() -> Tensor? { nil }

  /// By the whole ΔW: right for every delta of which there is one.
  package func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let input = inputDropout.map { $0(x, context) } ?? x
    return layer.applied(
      layer.certain { () throws(UnmergeableDelta) in try delta(layer) }, bias: biasDelta, to: input,
      outputs: outputs)
  }
}

/// A new weight made of the old one: W' = f(W).
package protocol WeightMap: SiteChange {
  /// The weight after the change, matricised `[rows, in · kernel]`, from the one before.
  ///
  /// - Throws: where the change depends on the input.
  func weight(_ base: Tensor, _ layer: SiteRows) throws(UnmergeableDelta) -> Tensor

  /// The bias after the change, `[rows]`, from the one before; `base` is the weight before.
  func bias(_ bias: Tensor?, _ base: Tensor, _ layer: SiteRows) -> Tensor?

  /// The layer's output by a shorter way than the new weight, bias included, where the map stands
  /// first on a whole layer and all inputs and outputs take part; nil takes the weight.
  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor?
}

extension WeightMap {
  package func bias(_ bias: Tensor?, _ base: Tensor, _ layer: SiteRows) -> Tensor? { bias }
  package func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? { nil }
}

/// A change of what a layer gives: y' = g(x, y).
package protocol Branch: SiteChange {
  /// - Parameters:
  ///   - y: what the rows give so far, `[..., rows]` or `[batch, rows, size...]`.
  ///   - x: the layer's input.
  ///   - layer: the rows that it stands on.
  ///   - context: of the layer's forward pass.
  /// - Returns: in the shape of `y`.
  func output(_ y: Tensor, input x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor

  /// Weight `[rows, in · kernel]` and bias that give the same output alone.
  ///
  /// - Throws: for a branch that is not linear.
  func merged(
    _ weight: Tensor, _ bias: Tensor?, _ layer: SiteRows
  ) throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?)
}

/// A delta s B A: A is `[r, in]`, B `[rows, r]`.
package struct LowRankFactors: Sendable {
  package let down: Parameter
  package let up: Parameter
  package let scaling: Double

  package init(down: Parameter, up: Parameter, scaling: Double) {
    self.down = down
    self.up = up
    self.scaling = scaling
  }
}

/// A change of a layer that no change of its weight can replace.
package struct UnmergeableDelta: Error, Equatable {
  package let reason: String

  package init(_ reason: String) { self.reason = reason }
}
