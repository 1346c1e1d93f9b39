package import Checkpoints
package import Layers
package import Recipes
package import Tensors

/// Many adapters on one model, chosen sample by sample: one frozen product for all, low-rank terms by
/// segment (S-LoRA, arXiv 2311.03285).
///
/// Adapters never change the base and are never merged; base values that a file holds in full (a head
/// of its own) have no place in a bank.
package struct AdapterBank {
  package let tree: ModuleTree
  package private(set) var adapters: [AttachedAdapter] = []

  /// An empty bank on a model whose weights are loaded and frozen.
  package init(_ tree: ModuleTree) { self.tree = tree }

  package var names: [String] { adapters.map(\.settings.name) }

  /// Adds the adapter of a directory under a name.
  ///
  /// - Throws: as `OpenedAdapter.attach`, and `AdapterError` for a name that is taken, base values of
  ///   its own, and adapters of blocks.
  package mutating func add(
    _ directory: PEFTDirectory, named name: String, layouts: [KeyLayout],
    methods: Registry<any AdapterMethod.Type>, baseDigest: String?
  ) throws {
    guard !names.contains(name) else {
      throw AdapterError.malformed(
        path: directory.path,
        reason: "the bank has an adapter '\(name)' already. Choose another name")
    }
    let opened = try OpenedAdapter(directory, methods)
    let held = opened.savedKeys(tree, layouts: layouts)
    if let first = held.first {
      throw AdapterError.unsupported(
        module: first, method: opened.type.name,
        reason: "the adapter holds base values of its own, which all adapters of a bank share")
    }
    adapters.append(
      try opened.attach(
        named: name, on: tree, layouts: layouts, baseDigest: baseDigest, isFirst: false,
        isBanked: true))
    for parameter in adapters[adapters.count - 1].parameters { parameter.isTrainable = false }
  }

  /// Adds a new adapter by its settings.
  ///
  /// - Throws: `AdapterError` as `AttachedAdapter`, and for a name that is taken.
  package mutating func add(
    _ settings: AdapterSettings, _ method: any AdapterMethod, seed: UInt64
  ) throws(AdapterError) {
    guard !names.contains(settings.name) else {
      throw .malformed(
        path: settings.name, reason: "the bank has an adapter of this name. Choose another")
    }
    let scope = settings.name + "/"
    let targets = try settings.resolveTargets(
      in: tree, defaults: [], lowRank: method.lowRank, scope: scope)
    adapters.append(
      try AttachedAdapter(
        settings, method: method, targets: targets, seed: seed, scope: scope, isBanked: true))
    for parameter in adapters[adapters.count - 1].parameters { parameter.isTrainable = false }
  }

  /// Runs a model on samples with an adapter for each; nil for the base alone.
  ///
  /// Samples are sorted by adapter, in the order of their first, and come back in the given order.
  /// - Parameters:
  ///   - input: samples first.
  ///   - chosen: a name for each sample.
  ///   - context: of the forward pass.
  ///   - forward: the model; samples first in its output too.
  /// - Returns: the model's output, in the order of `input`.
  /// - Throws: `AdapterError` for a name that the bank does not have.
  package func output(
    _ input: Tensor, adapters chosen: [String?], _ context: ForwardContext = .evaluation,
    _ forward: (Tensor, ForwardContext) -> Tensor
  ) throws(AdapterError) -> Tensor {
    precondition(
      chosen.count == input.shape[0], "\(chosen.count) names for \(input.shape[0]) samples")
    for name in chosen {
      guard let name, !names.contains(name) else { continue }
      throw .malformed(
        path: "adapter bank",
        reason: "it has no adapter '\(name)', only \(names.joined(separator: ", "))")
    }
    var order: [Int] = []
    var segments: [AdapterSegment] = []
    for (index, name) in chosen.enumerated() where !chosen[..<index].contains(name) {
      let samples = chosen.indices.filter { chosen[$0] == name }
      order += samples
      segments.append(AdapterSegment(adapter: name, samples: samples.count))
    }
    var context = context
    context.adapterSegments = segments
    let isSorted = order == Array(chosen.indices)
    let sorted = isSorted ? input : rows(input, order)
    let result = forward(sorted, context)
    var back = order
    for (position, index) in order.enumerated() { back[index] = position }
    return isSorted ? result : rows(result, back)
  }

  private func rows(_ tensor: Tensor, _ order: [Int]) -> Tensor {
    .concatenated(order.map { tensor.sliced(axis: 0, $0..<($0 + 1)) }, axis: 0)
  }
}
