package import Tensors

/// A convolution over height and width, or over depth, height and width, with a place for adapters.
package struct Convolution: Sendable {
  package let site: AdaptationSite
  package let geometry: ConvolutionGeometry

  /// Makes the parameters `weight` `[outputs, inputs / groups, kernel...]` and `bias` in `scope`.
  ///
  /// `kernel` are sizes along height and width, or along depth, height and width; the weight is
  /// stored with as many. `labels` are groups for target patterns.
  package init(
    _ scope: Scope, inputs: Int, outputs: Int, kernel: [Int],
    geometry: ConvolutionGeometry = .init(), bias: Bool = true, labels: [String] = ["conv"]
  ) {
    precondition(
      (2...3).contains(kernel.count) && inputs % geometry.groups == 0,
      "\(scope.path): kernel \(kernel), \(inputs) inputs in \(geometry.groups) groups")
    let shape = [outputs, inputs / geometry.groups] + kernel
    let fanIn = shape[1...].reduce(1, *)
    self.geometry = geometry
    site = AdaptationSite(
      path: scope.path, kind: .convolution(kernel: kernel, geometry: geometry),
      weight: scope.parameter("weight", shape: shape, .fanIn(fanIn)),
      bias: bias ? scope.parameter("bias", shape: [outputs], .fanIn(fanIn)) : nil,
      groups: labels, rowNames: [])
    scope.register(site)
  }

  /// From `[batch, inputs, size...]` to `[batch, outputs, size...]`, with as many sizes as the kernel.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    context.observeInput(site.path, x)
    if let segments = site.segments(x, context) {
      var single = context
      single.adapterSegments = []
      var first = 0
      let parts = segments.compactMap { segment, count -> Tensor? in
        let range = first..<(first + count)
        first = range.upperBound
        single.activeAdapter = segment.adapter
        return count > 0 ? self(x.sliced(axis: 0, range), single) : nil
      }
      return .concatenated(parts, axis: 0)
    }
    let adapted = site.adapted(x, outputs: site.outputs, context: context) {
      convolution(x, weight: site.weight(), bias: site.bias?(), geometry: geometry)
    }
    context.observe(site.path, adapted)
    return adapted
  }
}
