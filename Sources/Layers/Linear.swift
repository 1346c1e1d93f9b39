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
    context.observeInput(site.path, x)
    if let segments = site.segments(x, context) {
      return segmented(
        x, segments, context, outputs: outputs, activation: activation, residual: residual,
        type: type)
    }
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
    let isAdapted = site.isAdapted(context)
    let update = isWhole && isAdapted ? site.lowRankUpdate(context) : nil
    guard update != nil || !isAdapted, !(context.isObserved && residual != nil) else {
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

  /// The layer where adapters of a bank hold for parts of the batch: one frozen product with low-rank
  /// terms by segment, or segment after segment where a change is no low-rank term.
  private func segmented(
    _ x: Tensor, _ segments: [(segment: AdapterSegment, count: Int)], _ context: ForwardContext,
    outputs: Int?, activation: Activation, residual: Tensor?, type: DType?
  ) -> Tensor {
    var single = context
    single.adapterSegments = []
    func one(_ adapter: String?) -> ForwardContext {
      single.activeAdapter = adapter
      return single
    }
    let rowsPerEntry = x.elementCount / max(1, x.shape[0] * site.inputs)
    let isWhole = (outputs ?? site.outputs) == site.outputs && x.shape.last == site.inputs
    var parts: [LinearSegment]? = []
    for (segment, count) in segments where parts != nil {
      let context = one(segment.adapter)
      let update = site.lowRankUpdate(context)
      guard update != nil || !site.isAdapted(context) else {
        parts = nil
        continue
      }
      parts?.append(LinearSegment(rows: count * rowsPerEntry, update: update))
    }
    if let parts, isWhole, x.dtype != .f64, !x.isTracked, residual?.isTracked != true,
      !context.isObserved,
      let frozen = site.weight.frozen(
        rows: site.outputs, columns: site.inputs, context.precision)
    {
      return segmentedLinear(
        x, weight: frozen, bias: site.bias?().detached(), segments: parts, activation: activation,
        residual: residual, type: residual?.dtype ?? type ?? x.single.dtype)
    }
    var first = 0
    let results = segments.compactMap { segment, count -> Tensor? in
      let range = first..<(first + count)
      first = range.upperBound
      guard count > 0 else { return nil }
      return self(
        x.sliced(axis: 0, range), one(segment.adapter), outputs: outputs, activation: activation,
        residual: residual?.sliced(axis: 0, range), type: type)
    }
    return .concatenated(results, axis: 0)
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
  package var single: Tensor { dtype == .bf16 ? converted(to: .f32) : self }
}
