package import Tensors

/// Rows of a layer as a change of them sees it.
package struct SiteRows: Sendable {
  package let site: AdaptationSite
  /// Of the matricised weight.
  package let rows: Range<Int>

  package init(_ site: AdaptationSite, rows: Range<Int>? = nil) {
    self.site = site
    self.rows = rows ?? 0..<site.outputs
  }

  package var isWhole: Bool { rows == 0..<site.outputs }

  /// W of these rows, matricised `[rows, in · kernel]`; on the tape where it is trained.
  package var weight: Tensor {
    let matrix = site.weight().reshaped(to: [site.outputs, site.inputs])
    return isWhole ? matrix : matrix.sliced(axis: 0, rows)
  }

  /// b of these rows, `[rows]`; nil where the layer has none.
  package var bias: Tensor? {
    site.bias.map { isWhole ? $0() : $0().sliced(axis: 0, rows) }
  }

  /// The axis of an output that holds the features.
  package func outputAxis(_ y: Tensor) -> Int { site.kind == .linear ? y.rank - 1 : 1 }

  /// Applies a matricised weight as the layer applies its own.
  ///
  /// - Parameters:
  ///   - matrix: `[rows, in · kernel]`.
  ///   - bias: `[rows]` or nil.
  ///   - x: the layer's input, for a linear layer possibly narrower than the weight.
  ///   - outputs: number of leading rows that are wanted; nil for all.
  /// - Returns: `[..., outputs]` or `[batch, outputs, size...]`.
  package func applied(
    _ matrix: Tensor, bias: Tensor?, to x: Tensor, outputs: Int? = nil
  ) -> Tensor {
    let wanted = 0..<(outputs ?? rows.count)
    let isAll = wanted.count == matrix.shape[0]
    let leading = isAll ? matrix : matrix.sliced(axis: 0, wanted)
    let shift = bias.map { isAll ? $0 : $0.sliced(axis: 0, wanted) }
    switch site.kind {
    case .linear:
      let width = x.shape.last ?? 0
      let used = width == site.inputs ? leading : leading.sliced(axis: 1, 0..<width)
      return linear(x, weight: used, bias: shift)
    case .convolution(_, let geometry):
      let kernel = leading.reshaped(to: [wanted.count] + site.weight.shape.dropFirst())
      return convolution(x, weight: kernel, bias: shift, geometry: geometry)
    }
  }

  /// W x by the packed weight where it is frozen, without bias: `[..., rows]` or
  /// `[batch, rows, size...]`.
  package func product(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    if site.kind == .linear, isWhole, x.dtype != .f64,
      let frozen = site.weight.frozen(rows: site.outputs, columns: site.inputs, context.precision)
    {
      return frozenLinear(x, weight: frozen, bias: nil, type: x.dtype).result
    }
    return applied(weight, bias: nil, to: x)
  }

  /// An output with every feature times its factor; `factors` is `[rows]`.
  package func scaled(_ y: Tensor, by factors: Tensor) -> Tensor {
    site.kind == .linear ? y * factors : y * broadcast(factors, like: y)
  }

  /// An output with its summand added to every feature; `summands` is `[rows]`.
  package func shifted(_ y: Tensor, by summands: Tensor) -> Tensor {
    site.kind == .linear ? y + summands : y + broadcast(summands, like: y)
  }

  private func broadcast(_ values: Tensor, like y: Tensor) -> Tensor {
    let axes = [1, values.shape[0]] + [Int](repeating: 1, count: y.rank - 2)
    return values.reshaped(to: axes).expanded(to: y.shape)
  }

  /// A value that the engine only asks for where it exists.
  func certain(_ make: () throws(UnmergeableDelta) -> Tensor) -> Tensor {
    do throws(UnmergeableDelta) {
      return try make()
    } catch {
      preconditionFailure("\(site.path): \(error.reason)")
    }
  }
}
