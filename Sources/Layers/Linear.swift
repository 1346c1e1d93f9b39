package import Tensors

/// A linear layer y = x Wᵀ + b with a place for adapters.
package struct Linear: Sendable {
  package let site: AdaptationSite

  /// Makes the parameters `weight` `[outputs, inputs]` and `bias` in `scope`.
  ///
  /// `groups` are labels for target patterns, `rowNames` names of row ranges of a fused matrix. With
  /// an `initialization` of the weight the bias starts at zero, else both as frameworks do it.
  package init(
    _ scope: Scope, inputs: Int, outputs: Int, bias: Bool = true, groups: [String] = [],
    rowNames: [(name: String, rows: Range<Int>)] = [], initialization: Initialization? = nil
  ) {
    site = AdaptationSite(
      path: scope.path, kind: .linear,
      weight: scope.parameter(
        "weight", shape: [outputs, inputs], initialization ?? .fanIn(inputs)),
      bias: bias
        ? scope.parameter(
          "bias", shape: [outputs], initialization == nil ? .fanIn(inputs) : .zeros) : nil,
      groups: groups, rowNames: rowNames)
    scope.register(site)
  }

  /// From `[..., inputs]` to `[..., outputs]`.
  ///
  /// A narrower input stands for one padded with zeros; `outputs` asks for the leading output
  /// features alone. `activation` is applied to the output, then `residual` added. A `type` of bf16
  /// may be asked for where no residual is given; a layer that cannot give it answers in f32.
  package func callAsFunction(
    _ x: Tensor, _ context: ForwardContext, outputs: Int? = nil,
    activation: Activation = .identity, residual: Tensor? = nil, type: DType? = nil
  ) -> Tensor {
    let rows = outputs ?? site.outputs
    let columns = x.shape.last ?? 0
    precondition(
      columns <= site.inputs && rows <= site.outputs,
      "\(site.path): input \(x.shape), \(rows) outputs, weight \(site.weight.shape)")
    let precision = context.precision
    guard let frozen = site.weight.frozen(rows: rows, columns: columns, precision) else {
      let input = x.single
      return finished(input, rows, context, activation, residual) {
        let weight = site.weight().sliced(axis: 0, 0..<rows).sliced(axis: 1, 0..<columns)
        return linear(input, weight: weight, bias: bias(rows))
      }
    }
    let isWhole = rows == site.outputs && columns == site.inputs && x.dtype != .f64
    let update = isWhole && site.isAdapted ? site.lowRankUpdate(context) : nil
    guard update != nil || !site.isAdapted, !(context.isObserved && residual != nil) else {
      let input = x.single
      return finished(input, rows, context, activation, residual) {
        frozenLinear(input, weight: frozen, bias: bias(rows), type: input.dtype).result
      }
    }
    let (y, before) = frozenLinear(
      x, weight: frozen, bias: bias(rows), update: update, activation: activation,
      residual: residual, type: residual?.dtype ?? type ?? x.single.dtype)
    context.observe(site.path, before ?? y)
    return y
  }

  private func bias(_ rows: Int) -> Tensor? { site.bias?().sliced(axis: 0, 0..<rows) }

  /// Adapters, activation and residual in operations of their own.
  private func finished(
    _ input: Tensor, _ outputs: Int, _ context: ForwardContext, _ activation: Activation,
    _ residual: Tensor?, plain: () -> Tensor
  ) -> Tensor {
    let adapted = site.adapted(input, outputs: outputs, context: context, plain: plain)
    context.observe(site.path, adapted)
    let active = activation == .gelu ? adapted.gelu() : adapted
    return residual.map { $0 + active } ?? active
  }
}

extension Tensor {
  /// bf16 in single precision, all else as it is.
  fileprivate var single: Tensor { dtype == .bf16 ? converted(to: .f32) : self }
}
