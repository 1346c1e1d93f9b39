import Dispatch
package import Tensors

/// The parts of a model by name: parameters and the places where an adapter can stand.
///
/// Names are given once, while the model is built, and are the checkpoint keys.
package struct ModuleTree: Sendable {
  /// What training may change, in the order of construction.
  package private(set) var parameters: [Parameter] = []
  /// What is stored besides, such as running statistics, in the order of construction.
  package private(set) var buffers: [Parameter] = []
  /// In the order of construction.
  package private(set) var sites: [AdaptationSite] = []
  /// Blocks whose stream adapters can change, in the order of construction.
  package private(set) var blocks: [BlockSite] = []
  private var paths: Set<String> = []

  /// Everything that a checkpoint of the model holds.
  package var stored: [Parameter] { parameters + buffers }

  /// Parameter by full path.
  package func parameter(_ path: String) -> Parameter? { parameters.first { $0.path == path } }

  /// Site by module path.
  package func site(_ path: String) -> AdaptationSite? { sites.first { $0.path == path } }

  /// Names of groups that the backbone put on its sites, with `all-linear`.
  package var groups: [String] {
    Set(sites.flatMap(\.groups)).union(sites.isEmpty ? [] : ["all-linear"]).sorted()
  }

  package var parameterCount: Int { parameters.reduce(0) { $0 + $1.elementCount } }

  /// Draws first values for all parameters from the seed and their paths.
  package func initialize(seed: UInt64) { Self.initialize(stored, seed: seed) }

  /// Draws values side by side, the largest first; each has a stream of its own, so that nothing depends
  /// on the threads.
  private static func initialize(_ parameters: [Parameter], seed: UInt64) {
    let ordered = parameters.sorted { $0.elementCount > $1.elementCount }
    DispatchQueue.concurrentPerform(iterations: ordered.count) { number in
      ordered[number].initialize(seed: seed)
    }
  }

  /// Draws first values for those parameters that have none yet.
  package func initializeUnset(seed: UInt64) {
    Self.initialize(stored.filter { !$0.isSet }, seed: seed)
  }

  mutating func append(_ parameter: Parameter) {
    precondition(paths.insert(parameter.path).inserted, "two parameters named \(parameter.path)")
    if parameter.isBuffer { buffers.append(parameter) } else { parameters.append(parameter) }
  }

  mutating func append(_ site: AdaptationSite) { sites.append(site) }

  mutating func append(_ block: BlockSite) { blocks.append(block) }
}

/// Collects the parts of a model while it is built.
package final class ModelBuilder {
  package fileprivate(set) var tree = ModuleTree()

  package init() {}

  /// The model's root.
  package var root: Scope { Scope(path: "", builder: self) }
}

/// A place in the tree of a model under construction.
package struct Scope {
  package let path: String
  private let builder: ModelBuilder

  fileprivate init(path: String, builder: ModelBuilder) {
    self.path = path
    self.builder = builder
  }

  /// The place below, named by `name`; numbers name the members of a list.
  package static func / (scope: Scope, name: String) -> Scope {
    Scope(path: scope.path(to: name), builder: scope.builder)
  }

  package static func / (scope: Scope, index: Int) -> Scope { scope / String(index) }

  /// Makes a parameter here.
  package func parameter(
    _ name: String, shape: [Int], _ initialization: Initialization
  ) -> Parameter {
    let parameter = Parameter(
      path: path(to: name), shape: shape, initialization: initialization)
    builder.tree.append(parameter)
    return parameter
  }

  /// Makes a stored value here that is never trained.
  package func buffer(
    _ name: String, shape: [Int], dtype: DType = .f32, _ initialization: Initialization
  ) -> Parameter {
    let buffer = Parameter(
      path: path(to: name), shape: shape, dtype: dtype, initialization: initialization,
      isBuffer: true)
    builder.tree.append(buffer)
    return buffer
  }

  /// Makes this place one where adapters can stand.
  func register(_ site: AdaptationSite) { builder.tree.append(site) }

  func register(_ block: BlockSite) { builder.tree.append(block) }

  private func path(to name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
