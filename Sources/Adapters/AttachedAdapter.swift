package import Layers
package import Tensors

/// One adapter on a model: its targets, their deltas, and the base values trained beside it.
package struct AttachedAdapter: Sendable {
  package let settings: AdapterSettings
  /// Nil for `none`, which only names base parameters.
  package let method: (any AdapterMethod)?
  /// PEFT's name of the method.
  package let peftType: String
  package let modules: [(target: AdapterTarget, delta: any WeightDelta)]
  /// Base parameters trained and saved in full.
  package let saved: [Parameter]

  /// Trainable values of the method itself, in the order of attachment.
  package var parameters: [Parameter] { modules.flatMap { $0.delta.parameters } }

  /// Attaches an adapter: finds its targets, makes the deltas, draws their first values.
  ///
  /// Must run after the base weights are loaded. Base parameters keep their state; the caller
  /// freezes what is to be frozen.
  /// - Parameters:
  ///   - settings: the recipe's entry.
  ///   - method: nil for `none`, which only marks base parameters.
  ///   - tree: the backbone's.
  ///   - defaults: target patterns where the entry names none.
  ///   - seed: of the run.
  ///   - saving: paths of parameters and buffers of a task's head or decoder, kept with the adapter.
  /// - Throws: for patterns that take nothing and weights that the method cannot stand on.
  package init(
    _ settings: AdapterSettings, method: (any AdapterMethod)?, on tree: ModuleTree,
    defaults: [String], seed: UInt64, saving: [String] = []
  ) throws(AdapterError) {
    var modules: [(AdapterTarget, any WeightDelta)] = []
    var targets: [AdapterTarget] = []
    if let method {
      targets = try settings.resolveTargets(
        in: tree, defaults: defaults, lowRank: method.lowRank)
      for target in targets { modules.append((target, try method.makeDelta(for: target))) }
    }
    let named = try settings.savedParameters(in: tree, adapted: targets)
    let known = Set(named.map(\.path))
    let adapted = Set(targets.map(\.site.weight.path))
    let ofTask = Set(saving).subtracting(known).subtracting(adapted)
    saved = named + tree.stored.filter { ofTask.contains($0.path) }
    for (target, delta) in modules {
      for parameter in delta.parameters { parameter.initialize(seed: seed) }
      target.site.attach(delta, rows: target.rows)
    }
    self.settings = settings
    self.method = method
    self.modules = modules
    peftType = method.map { Swift.type(of: $0).peftType } ?? "NONE"
  }
}

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
    let saved = Set(adapters.flatMap { $0.saved.map(\.path) }).union(trained)
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

  package var totalCount: Int {
    tree.parameterCount + adapters.flatMap(\.parameters).reduce(0) { $0 + $1.elementCount }
  }

  package var trainableCount: Int { trainable.reduce(0) { $0 + $1.elementCount } }

  /// Base weights with all deltas folded in, and buffers, by parameter path, in the tree's order.
  ///
  /// - Throws: `AdapterError.unsupported` for a delta that no weight can stand for.
  package func mergedWeights() throws(AdapterError) -> [(path: String, value: Tensor)] {
    let sites = Dictionary(
      uniqueKeysWithValues: tree.sites.filter(\.isAdapted).map { ($0.weight.path, $0) })
    var merged: [(path: String, value: Tensor)] = []
    for parameter in tree.stored {
      guard let site = sites[parameter.path] else {
        merged.append((parameter.path, parameter.value))
        continue
      }
      do throws(UnmergeableDelta) {
        merged.append((parameter.path, try site.mergedWeight()))
      } catch {
        throw .unsupported(module: site.path, method: methods(on: site), reason: error.reason)
      }
    }
    return merged
  }

  /// Names of the methods that stand on a site.
  private func methods(on site: AdaptationSite) -> String {
    adapters.filter { $0.modules.contains { $0.target.site === site } }
      .map(\.settings.method).joined(separator: ", ")
  }
}
