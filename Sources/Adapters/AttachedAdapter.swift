package import Layers
import Recipes

/// One adapter on a model: its targets, their changes, and the base values trained beside it.
package struct AttachedAdapter: Sendable {
  package let settings: AdapterSettings
  /// Nil for `none`, which only names base parameters.
  package let method: (any AdapterMethod)?
  /// PEFT's name of the method.
  package let peftType: String
  package let modules: [(target: AdapterTarget, change: any SiteChange)]
  package let blocks: [(target: BlockTarget, branches: [PlacedBranch])]
  /// Values that several targets share, frozen ones too.
  package let shared: [Parameter]
  /// Base parameters trained and saved in full.
  package let saved: [Parameter]
  /// Base parameters that the method itself trains, module by module.
  package let replaced: [Parameter]
  /// What the optimizer's rule remembers from step to step, which no file of the adapter has.
  package let state: [Parameter]
  /// Of the run.
  package let seed: UInt64

  /// Values of the method itself, in the order of attachment, each once.
  private var values: [Parameter] {
    (shared + modules.flatMap { $0.change.parameters + $0.change.buffers }
      + blocks.flatMap { $0.branches.flatMap { $0.branch.parameters + $0.branch.buffers } })
      .uniqued()
  }

  /// Trainable values of the method itself, in the order of attachment, each once.
  package var parameters: [Parameter] { values.filter { !$0.isBuffer } }

  /// Frozen values of the method itself: projections, indices, running averages.
  package var buffers: [Parameter] { values.filter(\.isBuffer) }

  /// What the method, the schedule and the optimizer's rule do around optimizer steps.
  package func hooks() throws(AdapterError) -> [any TrainingHook] {
    (method?.hooks(self) ?? []) + (try settings.schedule?.hooks(self) ?? [])
      + (try settings.optimizer?.hooks(self) ?? [])
  }

  /// Attaches an adapter: finds its targets, makes the changes, draws their first values.
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
  ///   - isFirst: whether no other adapter of the model came before.
  ///   - probe: the model on calibration data, for an initialization that needs it.
  ///   - factors: where decompositions of weights are kept.
  /// - Throws: for patterns that take nothing, weights that the method cannot stand on, and adapters
  ///   that cannot stand together.
  package init(
    _ settings: AdapterSettings, method: (any AdapterMethod)?, on tree: ModuleTree,
    defaults: [String], seed: UInt64, saving: [String] = [], isFirst: Bool = true,
    probe: (any CalibrationProbe)? = nil, factors: FactorCache? = nil
  ) throws {
    let scope = isFirst ? "" : settings.name + "/"
    var targets: [AdapterTarget] = []
    var blocks: [BlockTarget] = []
    var replaced: [Parameter] = []
    if let method {
      if type(of: method).capabilities.contains(.modules) {
        replaced = try settings.resolveModules(in: tree)
      } else if type(of: method).capabilities.contains(.blocks) {
        blocks = try settings.resolveBlocks(in: tree, scope: scope)
      } else {
        targets = try settings.resolveTargets(
          in: tree, defaults: defaults, lowRank: method.lowRank, scope: scope)
        if type(of: method).capabilities.contains(.ordered) {
          targets = tree.sites.flatMap { site in targets.filter { $0.site === site } }
        }
      }
    }
    let named = try settings.savedParameters(in: tree, adapted: targets)
    for index in targets.indices { targets[index].factors = factors }
    if let initialization = settings.initialization ?? method?.ownInitialization {
      var plan = AdapterPreparation(seed: seed, probe: probe)
      plan.trainedBeside = named.reduce(0) { $0 + $1.elementCount }
      plan.total = tree.parameterCount
      targets = try initialization.prepared(targets, plan).filter { $0.rank > 0 }
    }
    let known = Set(named.map(\.path))
    let adapted = Set(targets.map(\.site.weight.path))
    let own = Set(replaced.map(\.path))
    let ofTask = Set(saving).subtracting(known).subtracting(adapted).subtracting(own)
    try self.init(
      settings, method: method, targets: targets, blocks: blocks,
      saved: named.filter { !own.contains($0.path) }
        + tree.stored.filter { ofTask.contains($0.path) }, replaced: replaced, seed: seed,
      scope: scope)
  }

  /// Attaches an adapter to targets that are already known, such as those of a file.
  ///
  /// `isBanked` makes it one of a bank: it holds where a forward pass asks for it by name.
  package init(
    _ settings: AdapterSettings, method: (any AdapterMethod)?, targets: [AdapterTarget],
    blocks: [BlockTarget] = [], saved: [Parameter] = [], replaced: [Parameter] = [], seed: UInt64,
    scope: String = "", isBanked: Bool = false
  ) throws(AdapterError) {
    let shared = SharedValues(scope: scope, seed: seed)
    var modules: [(AdapterTarget, any SiteChange)] = []
    var placed: [(BlockTarget, [PlacedBranch])] = []
    if let method {
      let type = type(of: method)
      for target in targets {
        try type.check(target)
        if type.capabilities.contains(.readsBase), target.site.isAdapted, !isBanked {
          throw .unsupported(
            module: target.site.path, method: type.name,
            reason: "the method computes with the base weight, and another adapter already changes "
              + "it. Name it first in the list, or give it other target_modules")
        }
      }
      let changes = try method.makeChanges(for: targets, shared)
      modules = Array(zip(targets, changes))
      for block in blocks { placed.append((block, try method.makeBranches(for: block, shared))) }
    }
    self.settings = settings
    self.method = method
    self.modules = modules
    self.blocks = placed
    self.shared = shared.all
    self.saved = saved
    self.replaced = replaced
    state = settings.optimizer?.state(modules) ?? []
    self.seed = seed
    peftType = method.map { Swift.type(of: $0).peftType } ?? "NONE"
    for parameter in values where !parameter.isSet { parameter.initialize(seed: seed) }
    for (target, change) in modules {
      target.site.attach(change, rows: target.rows, adapter: isBanked ? settings.name : nil)
    }
    for (target, branches) in placed {
      for item in branches { target.site.attach(item.branch, to: item.sublayer) }
    }
  }
}
