package import Layers
package import Tensors

/// A backbone's tree with its adapters: what is trained, and what is saved.
package struct AdaptedModel: Sendable {
  package let tree: ModuleTree
  package let adapters: [AttachedAdapter]

  /// With `freezesBackbone` base parameters that no adapter names are frozen.
  ///
  /// `trained` and `frozen` are paths of a task's parts, which do not follow the backbone.
  package init(
    tree: ModuleTree, adapters: [AttachedAdapter], freezesBackbone: Bool, trained: [String] = [],
    frozen: [String] = []
  ) {
    self.tree = tree
    self.adapters = adapters
    let saved = Set(adapters.flatMap { ($0.saved + $0.replaced).map(\.path) }).union(trained)
    let frozen = Set(frozen)
    for parameter in tree.parameters {
      let path = parameter.path
      parameter.isTrainable =
        saved.contains(path) || !freezesBackbone && !frozen.contains(path)
    }
  }

  /// Everything that training changes: adapter values, then base values, in a fixed order.
  package var trainable: [Parameter] {
    adapters.flatMap(\.parameters) + tree.parameters.filter(\.isTrainable)
  }

  /// Values beside them that a checkpoint needs.
  package var buffers: [Parameter] {
    adapters.flatMap { $0.buffers + $0.state } + tree.buffers
  }

  /// What the adapters do around optimizer steps.
  ///
  /// - Throws: `AdapterError` for a schedule that a method is not made for.
  package func hooks() throws(AdapterError) -> [any TrainingHook] {
    var hooks: [any TrainingHook] = []
    for adapter in adapters { hooks += try adapter.hooks() }
    return hooks
  }

  /// How the updates of adapter values depart from the optimizer's settings, by path.
  package var policies: [String: UpdatePolicy] {
    var policies: [String: UpdatePolicy] = [:]
    for adapter in adapters {
      for parameter in adapter.parameters {
        let policy = adapter.method?.policy(of: parameter) ?? UpdatePolicy()
        policies[parameter.path] =
          adapter.settings.optimizer?.policy(policy, of: parameter) ?? policy
      }
    }
    return policies
  }

  package var totalCount: Int {
    tree.parameterCount + adapters.flatMap(\.parameters).reduce(0) { $0 + $1.elementCount }
  }

  package var trainableCount: Int { trainable.reduce(0) { $0 + $1.elementCount } }

  /// What the adapters add to the loss of a step; nil for nothing.
  package func penalty() -> Tensor? {
    (tree.sites.filter(\.isAdapted).compactMap { $0.penalty() }
      + tree.blocks.filter(\.isAdapted).compactMap { $0.penalty() })
      .reduce(nil) { sum, term in sum.map { $0 + term } ?? term }
  }

  /// Base weights with all changes folded in, and buffers, by parameter path, in the tree's order.
  ///
  /// - Throws: `AdapterError.unsupported` for a change that no weight can stand for.
  package func mergedWeights() throws(AdapterError) -> [(path: String, value: Tensor)] {
    try requireMergeable()
    var changed: [String: Tensor] = [:]
    for site in tree.sites where site.isAdapted {
      do throws(UnmergeableDelta) {
        let merged = try site.merged()
        changed[site.weight.path] = merged.weight
        if let bias = site.bias { changed[bias.path] = merged.bias }
      } catch {
        throw .unsupported(module: site.path, method: methods(on: site), reason: error.reason)
      }
    }
    return tree.stored.map { ($0.path, changed[$0.path] ?? $0.value) }
  }

  /// Folds all adapters into the base weights and takes them off.
  ///
  /// - Returns: what brings the model back, bit for bit.
  /// - Throws: as `mergedWeights`; nothing is changed then.
  package func merge() throws(AdapterError) -> MergedState {
    let merged = try mergedWeights()
    var originals: [Original] = []
    for (parameter, item) in zip(tree.stored, merged) {
      let original: Original
      if let compact = parameter.compact {
        original = Original(parameter: parameter, value: nil, compact: compact)
      } else {
        let value = parameter.value
        guard item.value.pointer != value.pointer else { continue }
        original = Original(parameter: parameter, value: value, compact: nil)
      }
      originals.append(original)
      parameter.value = item.value
    }
    for site in tree.sites { site.detachAll() }
    return MergedState(originals: originals, adapters: adapters)
  }

  private func requireMergeable() throws(AdapterError) {
    for block in tree.blocks where block.isAdapted {
      let names = adapters.filter { $0.blocks.contains { $0.target.site === block } }
      throw .unsupported(
        module: block.path, method: names.map(\.settings.method).joined(separator: ", "),
        reason: "the adapter acts on the block's stream with an activation between its layers, so "
          + "that no weight can stand for it. Keep the adapter beside the model")
    }
  }

  /// Names of the methods that stand on a site.
  private func methods(on site: AdaptationSite) -> String {
    adapters.filter { $0.modules.contains { $0.target.site === site } }
      .map(\.settings.method).joined(separator: ", ")
  }
}

/// A model whose adapters lie in its weights, and the way back.
package struct MergedState {
  fileprivate let originals: [Original]
  fileprivate let adapters: [AttachedAdapter]

  /// Gives the base its very values back, and attaches the adapters again.
  package func undo() {
    for original in originals {
      if let value = original.value { original.parameter.value = value }
      if let compact = original.compact { original.parameter.keep(compact) }
    }
    for adapter in adapters {
      for (target, change) in adapter.modules { target.site.attach(change, rows: target.rows) }
    }
  }
}

/// What a base parameter was before a merge: its value, or what was kept in its place.
private struct Original {
  let parameter: Parameter
  let value: Tensor?
  let compact: (any CompactValue)?
}
