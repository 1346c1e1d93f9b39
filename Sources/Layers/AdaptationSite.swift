import Synchronization
package import Tensors

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
    let layer: SiteRows
    let change: any SiteChange
    /// The adapter of a bank that must be asked for; nil where the change always holds.
    let adapter: String?

    func holds(_ context: ForwardContext) -> Bool {
      adapter == nil || adapter == context.activeAdapter
    }
  }
  private let attached = Mutex<[Attached]>([])
  private let fused = Mutex<[String: (versions: [Int], update: LowRankUpdate)]>([:])

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

  /// Adds a change of a range of the weight's rows; `adapter` names one of a bank.
  package func attach(_ change: any SiteChange, rows: Range<Int>, adapter: String? = nil) {
    precondition(
      change is any WeightDelta || change is any WeightMap || change is any Branch,
      "\(path): \(change) is no delta, map or branch")
    let layer = SiteRows(self, rows: rows)
    attached.withLock { $0.append(Attached(layer: layer, change: change, adapter: adapter)) }
    fused.withLock { $0 = [:] }
  }

  package func detachAll() {
    attached.withLock { $0.removeAll() }
    fused.withLock { $0 = [:] }
  }

  package var isAdapted: Bool { attached.withLock { !$0.isEmpty } }

  /// Whether a change holds in this pass.
  func isAdapted(_ context: ForwardContext) -> Bool {
    attached.withLock { $0.contains { $0.holds(context) } }
  }

  /// Whether adapters of a bank stand here.
  var hasBank: Bool { attached.withLock { $0.contains { $0.adapter != nil } } }

  /// All attached changes as part of the layer's own product; nil where one of them cannot be.
  ///
  /// Packed once for every value of the factors.
  func lowRankUpdate(_ context: ForwardContext) -> LowRankUpdate? {
    let items = attached.withLock { $0.filter { $0.holds(context) } }
    let factors = items.compactMap { ($0.change as? any WeightDelta)?.factors(context) }
    guard kind == .linear, factors.count == items.count, !items.isEmpty else { return nil }
    let versions = factors.flatMap { $0.flatMap { [$0.down.version, $0.up.version] } }
    let key = context.activeAdapter ?? ""
    return fused.withLock { fused in
      if let known = fused[key], known.versions == versions { return known.update }
      let terms = zip(items, factors).flatMap { item, factors in
        factors.map {
          LowRankUpdate.Term(
            down: $0.down(), up: $0.up(), rows: item.layer.rows, scaling: $0.scaling)
        }
      }
      let update = Allocator.making { LowRankUpdate(terms, outputs: outputs) }
      fused[key] = (versions, update)
      return update
    }
  }

  /// The rows of each segment in an input whose first axis holds the samples in order, each with
  /// equally many entries; nil without a bank or segments.
  func segments(_ x: Tensor, _ context: ForwardContext) -> [(segment: AdapterSegment, count: Int)]?
  {
    let all = context.adapterSegments
    guard !all.isEmpty, hasBank else { return nil }
    let samples = all.reduce(0) { $0 + $1.samples }
    precondition(
      samples > 0 && x.shape[0] % samples == 0,
      "\(path): input \(x.shape) for segments of \(samples) samples")
    let each = x.shape[0] / samples
    return all.map { ($0, $0.samples * each) }
  }

  /// What the layer gives with all changes.
  ///
  /// - Parameters:
  ///   - x: the layer's input; for a linear layer possibly narrower than the weight.
  ///   - outputs: number of leading output features that are wanted.
  ///   - context: of the forward pass.
  ///   - plain: the layer without any change, bias included.
  /// - Returns: `[..., outputs]` or `[batch, outputs, size...]`.
  func adapted(
    _ x: Tensor, outputs: Int, context: ForwardContext, plain: () -> Tensor
  ) -> Tensor {
    let items = attached.withLock { $0.filter { $0.holds(context) } }
    if items.allSatisfy({ $0.change is any WeightDelta }) {
      return following(items[...], plain(), x, context)
    }
    let whole = SiteRows(self)
    guard outputs == self.outputs, kind != .linear || x.shape.last == inputs else {
      let width = x.shape.last ?? 0
      let wide = x.padded(axis: x.rank - 1, before: 0, after: inputs - width)
      return adapted(wide, outputs: self.outputs, context: context) {
        whole.applied(whole.weight, bias: whole.bias, to: wide)
      }.sliced(axis: x.rank - 1, 0..<outputs)
    }
    guard let lastMap = items.lastIndex(where: { $0.change is any WeightMap }) else {
      return following(items[...], plain(), x, context)
    }
    if lastMap == 0, items[0].layer.isWhole, let map = items[0].change as? any WeightMap,
      let y = map.output(x, of: items[0].layer, context: context)
    {
      return following(items[1...], y, x, context)
    }
    var (weight, bias) = (whole.weight, whole.bias)
    for item in items[...lastMap] {
      let changed = item.layer.certainPair { () throws(UnmergeableDelta) in
        try Self.folded(item, weight, bias)
      }
      (weight, bias) = changed
    }
    let y = whole.applied(weight, bias: bias, to: x)
    return following(items[(lastMap + 1)...], y, x, context)
  }

  /// The output after deltas and branches.
  private func following(
    _ items: ArraySlice<Attached>, _ y: Tensor, _ x: Tensor, _ context: ForwardContext
  ) -> Tensor {
    var result = y
    for item in items {
      let (layer, rows) = (item.layer, item.layer.rows)
      let axis = layer.outputAxis(result)
      let wanted = min(rows.upperBound, result.shape[axis]) - rows.lowerBound
      guard wanted > 0 else { continue }
      let end = result.shape[axis] - rows.lowerBound - wanted
      if let delta = item.change as? any WeightDelta {
        let change = delta.output(x, of: layer, outputs: wanted, context: context)
        result = result + change.padded(axis: axis, before: rows.lowerBound, after: end)
      } else if let branch = item.change as? any Branch {
        let part = result.sliced(axis: axis, rows)
        let changed = branch.output(part, input: x, of: layer, context: context)
        result = replaced(rows, of: result, by: changed, axis: axis)
      }
    }
    return result
  }

  /// Weight and bias with every change folded in, in the weight's shape; those of a bank are left out.
  ///
  /// - Throws: where one of them depends on the input, or needs a bias that the layer lacks.
  package func merged() throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?) {
    let whole = SiteRows(self)
    var (matrix, shift) = (whole.weight.detached(), whole.bias?.detached())
    for item in attached.withLock({ $0 }) where item.adapter == nil {
      let changed = try Self.folded(item, matrix, shift)
      (matrix, shift) = (changed.weight.detached(), changed.bias?.detached())
    }
    if bias == nil, shift != nil {
      throw UnmergeableDelta("the layer has no bias that could take the adapter's")
    }
    return (matrix.reshaped(to: weight.shape), shift)
  }

  /// Whole weight and bias after one change of some rows.
  private static func folded(
    _ item: Attached, _ weight: Tensor, _ bias: Tensor?
  ) throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?) {
    let (layer, rows) = (item.layer, item.layer.rows)
    let part = layer.isWhole ? weight : weight.sliced(axis: 0, rows)
    let shift = layer.isWhole ? bias : bias?.sliced(axis: 0, rows)
    let changed: (weight: Tensor, bias: Tensor?)
    switch item.change {
    case let delta as any WeightDelta:
      changed = (part + (try delta.delta(layer)), sum(shift, delta.biasDelta))
    case let map as any WeightMap:
      changed = (try map.weight(part, layer), map.bias(shift, part, layer))
    case let branch as any Branch: changed = try branch.merged(part, shift, layer)
    default: return (weight, bias)
    }
    guard !layer.isWhole else { return changed }
    let zeros = { Tensor(zeros: [layer.site.outputs], dtype: $0) as Tensor }
    return (
      replaced(rows, of: weight, by: changed.weight, axis: 0),
      changed.bias.map { replaced(rows, of: bias ?? zeros($0.dtype), by: $0, axis: 0) }
    )
  }

  /// What the changes add to the loss; nil for nothing.
  package func penalty() -> Tensor? {
    attached.withLock { $0 }.compactMap { $0.change.penalty($0.layer) }
      .reduce(nil) { sum, term in sum.map { $0 + term } ?? term }
  }

  /// Moves the linear parts of deltas that cannot be merged whole into the weight.
  ///
  /// The layer's output stays as it is.
  package func mergeLinearParts() {
    for item in attached.withLock({ $0 }) {
      guard let part = (item.change as? any WeightDelta)?.takeLinearPart() else { continue }
      let rows = item.layer.rows
      let full = part.detached().padded(
        axis: 0, before: rows.lowerBound, after: outputs - rows.upperBound)
      let matrix = weight.value.reshaped(to: [outputs, inputs]) + full
      weight.value = matrix.reshaped(to: weight.shape)
    }
  }
}

extension SiteRows {
  /// Weight and bias that the engine only asks for where they exist.
  func certainPair(
    _ make: () throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?)
  ) -> (weight: Tensor, bias: Tensor?) {
    do throws(UnmergeableDelta) {
      return try make()
    } catch {
      preconditionFailure("\(site.path): \(error.reason)")
    }
  }
}

/// The sum of what there is.
private func sum(_ a: Tensor?, _ b: Tensor?) -> Tensor? {
  guard let a else { return b }
  return b.map { a + $0 } ?? a
}

/// A tensor with a range along an axis replaced.
private func replaced(
  _ range: Range<Int>, of whole: Tensor, by part: Tensor, axis: Int
) -> Tensor {
  let size = whole.shape[axis]
  guard range != 0..<size else { return part }
  let before = whole.sliced(axis: axis, 0..<range.lowerBound)
  let after = whole.sliced(axis: axis, range.upperBound..<size)
  return Tensor.concatenated([before, part, after].filter { $0.shape[axis] > 0 }, axis: axis)
}
