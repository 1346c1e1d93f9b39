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
  /// features alone.
  package func callAsFunction(
    _ x: Tensor, _ context: ForwardContext, outputs: Int? = nil
  ) -> Tensor {
    let rows = outputs ?? site.outputs
    let columns = x.shape.last ?? 0
    precondition(
      columns <= site.inputs && rows <= site.outputs,
      "\(site.path): input \(x.shape), \(rows) outputs, weight \(site.weight.shape)")
    let frozen = site.weight.frozen(rows: rows, columns: columns)
    let weight =
      frozen?.weight ?? site.weight().sliced(axis: 0, 0..<rows).sliced(axis: 1, 0..<columns)
    let y = linear(
      x, weight: weight, bias: site.bias?().sliced(axis: 0, 0..<rows), frozen: frozen)
    return site.adapted(y, input: x, outputAxis: y.rank - 1, context: context)
  }
}
