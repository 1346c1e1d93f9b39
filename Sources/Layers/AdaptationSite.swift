import Synchronization
package import Tensors

/// A change of a layer by a sum: output = layer + delta, as effective weight = weight + delta where
/// the change is linear.
///
/// Adapter methods conform; the layer that owns the weight calls.
package protocol WeightDelta: Sendable {
  /// What the delta adds to the layer's output.
  /// - Parameters:
  ///   - x: the layer's input, for a linear layer possibly narrower than the weight (missing
  ///     columns are zero).
  ///   - outputs: number of leading output features that are wanted.
  ///   - context: of the layer's forward pass.
  /// - Returns: `[..., outputs]` for a linear layer, `[batch, outputs, size...]` for a convolution.
  func output(_ x: Tensor, outputs: Int, context: ForwardContext) -> Tensor

  /// The delta itself, matricised: `[out, in · kernel]`.
  ///
  /// - Throws: where the change depends on the input, so that no weight can stand for it.
  func materialized() throws(UnmergeableDelta) -> Tensor

  /// The linear part of a delta that as a whole is not linear, matricised, and zero in the delta from
  /// now on; nil where there is no such part.
  func takeLinearPart() -> Tensor?

  /// Trainable values, with paths below the site's.
  var parameters: [Parameter] { get }

  /// The factors of a delta s B A of a linear layer that the layer may multiply itself, as part of
  /// its own product; nil for any other change, and where something is dropped in this pass.
  func factors(_ context: ForwardContext) -> LowRankFactors?
}

extension WeightDelta {
  package func takeLinearPart() -> Tensor? { nil }
  package func factors(_ context: ForwardContext) -> LowRankFactors? { nil }
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

/// A weight that adapters can change: the hook point of one linear or convolution layer.
package final class AdaptationSite: Sendable {
  /// What the weight belongs to.
  package enum Kind: Sendable, Equatable {
    case linear
    /// Kernel sizes along height and width, or depth, height and width, as the weight is stored, and
    /// the rest of the geometry.
    case convolution(kernel: [Int], geometry: ConvolutionGeometry)
  }

  /// Path of the module, such as `blocks.3.attn.qkv`.
  package let path: String
  package let kind: Kind
  package let weight: Parameter
  package let bias: Parameter?
  /// Labels that the backbone puts on its layers: `attention`, `mlp`, `conv`, `head`.
  package let groups: [String]
  /// Names of row ranges of a fused matrix: `q`, `k`, `v`.
  package let rowNames: [(name: String, rows: Range<Int>)]

  private struct Attached {
    let rows: Range<Int>
    let delta: any WeightDelta
  }
  private let attached = Mutex<[Attached]>([])
  private let fused = Mutex<(versions: [Int], update: LowRankUpdate)?>(nil)

  init(
    path: String, kind: Kind, weight: Parameter, bias: Parameter?, groups: [String],
    rowNames: [(name: String, rows: Range<Int>)]
  ) {
    self.path = path
    self.kind = kind
    self.weight = weight
    self.bias = bias
    self.groups = groups
    self.rowNames = rowNames
  }

  /// Rows of the matricised weight.
  package var outputs: Int { weight.shape[0] }
  /// Columns of the matricised weight.
  package var inputs: Int { weight.elementCount / outputs }

  /// Adds a delta to a range of the weight's rows.
  package func attach(_ delta: any WeightDelta, rows: Range<Int>) {
    attached.withLock { $0.append(Attached(rows: rows, delta: delta)) }
    fused.withLock { $0 = nil }
  }

  package func detachAll() {
    attached.withLock { $0.removeAll() }
    fused.withLock { $0 = nil }
  }

  package var isAdapted: Bool { attached.withLock { !$0.isEmpty } }

  /// All attached deltas as part of the layer's own product; nil where one of them cannot be.
  ///
  /// Packed once for every value of the factors.
  func lowRankUpdate(_ context: ForwardContext) -> LowRankUpdate? {
    let items = attached.withLock { $0 }
    let factors = items.compactMap { $0.delta.factors(context) }
    guard kind == .linear, factors.count == items.count, !items.isEmpty else { return nil }
    let versions = factors.flatMap { [$0.down.version, $0.up.version] }
    return fused.withLock { fused in
      if let fused, fused.versions == versions { return fused.update }
      let terms = zip(items, factors).map { item, factors in
        LowRankUpdate.Term(
          down: factors.down(), up: factors.up(), rows: item.rows, scaling: factors.scaling)
      }
      let update = Allocator.making { LowRankUpdate(terms, outputs: outputs) }
      fused = (versions, update)
      return update
    }
  }

  /// `y` with what the attached deltas add, in the order of attachment.
  ///
  /// `outputAxis` is the axis of `y` that holds the output features.
  func adapted(
    _ y: Tensor, input: Tensor, outputAxis: Int, context: ForwardContext
  ) -> Tensor {
    var result = y
    for item in attached.withLock({ $0 }) {
      let wanted = min(item.rows.upperBound, y.shape[outputAxis]) - item.rows.lowerBound
      guard wanted > 0 else { continue }
      let change = item.delta.output(input, outputs: wanted, context: context)
      result =
        result
        + change.padded(
          axis: outputAxis, before: item.rows.lowerBound,
          after: y.shape[outputAxis] - item.rows.lowerBound - wanted)
    }
    return result
  }

  /// The weight with every delta added, in the weight's shape.
  ///
  /// - Throws: where one of them depends on the input.
  package func mergedWeight() throws(UnmergeableDelta) -> Tensor {
    var matrix = weight.value.reshaped(to: [outputs, inputs])
    for item in attached.withLock({ $0 }) {
      matrix = matrix + fullHeight(try item.delta.materialized(), item.rows)
    }
    return matrix.reshaped(to: weight.shape)
  }

  /// Moves the linear parts of deltas that cannot be merged whole into the weight.
  ///
  /// The layer's output stays as it is.
  package func mergeLinearParts() {
    for item in attached.withLock({ $0 }) {
      guard let part = item.delta.takeLinearPart() else { continue }
      let matrix = weight.value.reshaped(to: [outputs, inputs]) + fullHeight(part, item.rows)
      weight.value = matrix.reshaped(to: weight.shape)
    }
  }

  /// A matrix for some rows with zeros in all others.
  private func fullHeight(_ matrix: Tensor, _ rows: Range<Int>) -> Tensor {
    matrix.detached().padded(
      axis: 0, before: rows.lowerBound, after: outputs - rows.upperBound)
  }
}
