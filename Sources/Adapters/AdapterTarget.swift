package import Layers
package import Tensors

/// A weight, or rows of it, with the settings that hold there.
package struct AdapterTarget: Sendable {
  package let site: AdaptationSite
  /// Rows of the matricised weight.
  package let rows: Range<Int>
  package let rank: Int
  package let alpha: Double
  package let usesRankStabilizedScaling: Bool
  package let dropout: Double
  /// Before all paths of the adapter's values: empty for the first adapter of a model, `name/` for
  /// others.
  package let scope: String
  /// First values that an initialization found; nil for the method's own.
  package var start: LowRankStart?
  /// Entries of the weight that an initialization chose, row by row in ascending order; nil for the
  /// method's own.
  package var places: [Int]?
  /// First grid of the layer's input that an initialization found; nil for the method's own.
  package var inputGrid: AffineGrid?
  /// Where decompositions of weights are kept; nil computes them anew.
  package var factors: FactorCache?
  /// Shapes of the values that a file has for the target, by their names below the module; empty for
  /// a new adapter.
  package let stored: [String: [Int]]

  package init(
    site: AdaptationSite, rows: Range<Int>? = nil, rank: Int, alpha: Double,
    usesRankStabilizedScaling: Bool = false, dropout: Double = 0, scope: String = "",
    stored: [String: [Int]] = [:]
  ) {
    self.site = site
    self.rows = rows ?? 0..<site.outputs
    self.rank = rank
    self.alpha = alpha
    self.usesRankStabilizedScaling = usesRankStabilizedScaling
    self.dropout = dropout
    self.scope = scope
    self.stored = stored
  }

  /// Whether the target is the whole weight.
  package var isWhole: Bool { rows == 0..<site.outputs }

  /// The rows as a change sees them.
  package var layer: SiteRows { SiteRows(site, rows: rows) }

  /// Columns of the matricised weight.
  package var inputs: Int { site.inputs }

  /// α/r, or α/√r when rank-stabilized (arXiv 2312.03732).
  package var scaling: Double {
    alpha / (usesRankStabilizedScaling ? Double(rank).squareRoot() : Double(rank))
  }

  /// Path of a tensor of the adapter: below the module, slices told apart by their rows.
  package func path(to name: String) -> String {
    let slice = isWhole ? "" : "[\(rows.lowerBound):\(rows.upperBound)]"
    return "\(scope)\(site.path)\(slice).\(name)"
  }

  /// Path of a tensor that bears a name beside the module's, such as `blocks.3.attn.NAME`.
  package func path(beside name: String) -> String {
    let place = parent(of: site.path)
    return scope + (place.isEmpty ? name : "\(place).\(name)")
  }

  /// A trained value of this target.
  package func parameter(
    _ name: String, _ shape: [Int], _ initialization: Initialization
  ) -> Parameter {
    Parameter(path: path(to: name), shape: shape, initialization: initialization)
  }

  /// A frozen value of this target that is known already.
  package func buffer(_ name: String, _ value: Tensor) -> Parameter {
    let made = Parameter(
      path: path(to: name), shape: value.shape, dtype: value.dtype, initialization: .zeros,
      isBuffer: true)
    made.value = value
    return made
  }

  /// A trained value of this target that is known already.
  package func parameter(_ name: String, _ value: Tensor) -> Parameter {
    let made = parameter(name, value.shape, .zeros)
    made.value = value
    return made
  }

  /// Dropout on the input of this target.
  package var inputDropout: Dropout {
    Dropout(path: path(to: "dropout"), probability: dropout)
  }

  /// Refuses a rank that needs more singular vectors than the weight has.
  package func requireRank(
    _ rank: Int, method: String
  ) throws(AdapterError) {
    let limit = min(rows.count, inputs)
    guard rank <= limit else {
      throw .rankTooLarge(module: site.path, rank: rank, limit: limit, method: method)
    }
  }
}

/// First values of a low-rank pair that depend on the weight or on data.
package struct LowRankStart: Sendable {
  /// A, `[r, in · kernel]`.
  package let down: Tensor
  /// B, `[rows, r]`.
  package let up: Tensor
  /// Whether s B A of these values is taken off the weight, so that the first output is the base's.
  package let isOffset: Bool
  /// A matrix between them, `[r, r]`; nil for the identity.
  package let core: Tensor?

  package init(down: Tensor, up: Tensor, isOffset: Bool, core: Tensor? = nil) {
    self.down = down
    self.up = up
    self.isOffset = isOffset
    self.core = core
  }
}

/// A block whose stream an adapter changes.
package struct BlockTarget: Sendable {
  package let site: BlockSite
  /// As `AdapterTarget.scope`.
  package let scope: String

  package init(site: BlockSite, scope: String = "") {
    self.site = site
    self.scope = scope
  }

  /// Path of a tensor of the adapter, below the block.
  package func path(to name: String) -> String { "\(scope)\(site.path).\(name)" }

  /// A trained value of this block.
  package func parameter(
    _ name: String, _ shape: [Int], _ initialization: Initialization
  ) -> Parameter {
    Parameter(path: path(to: name), shape: shape, initialization: initialization)
  }
}

/// Values that several targets of one adapter share, each made once.
package final class SharedValues {
  private let scope: String
  /// Of the run: for first values that are computed from others.
  package let seed: UInt64
  private var byPath: [String: Parameter] = [:]
  /// In the order in which they were made.
  package private(set) var all: [Parameter] = []

  package init(scope: String = "", seed: UInt64 = 0) {
    self.scope = scope
    self.seed = seed
  }

  /// The shared value of that name; `base_model.NAME` in a file.
  package func value(
    _ name: String, _ shape: [Int], dtype: DType = .f32, _ initialization: Initialization,
    isFrozen: Bool = false
  ) -> Parameter {
    let path = scope + Self.mark + name
    if let known = byPath[path] {
      precondition(known.shape == shape, "\(path): shapes \(known.shape) and \(shape)")
      return known
    }
    let made = Parameter(
      path: path, shape: shape, dtype: dtype, initialization: initialization,
      isBuffer: isFrozen)
    byPath[path] = made
    all.append(made)
    return made
  }

  /// A frozen shared value that is known already.
  package func buffer(_ name: String, _ value: Tensor) -> Parameter {
    let made = self.value(
      name, value.shape, dtype: value.dtype, .zeros, isFrozen: true)
    if !made.isSet { made.value = value }
    return made
  }

  /// Begins the paths of shared values, so that they are told from those of modules.
  private static let mark = "shared."

  /// Whether a path is that of a shared value.
  package static func isShared(_ path: String) -> Bool { name(path) != nil }

  /// The name of a shared value by its path.
  package static func name(_ path: String) -> String? {
    let own = path.split(separator: "/").last.map(String.init) ?? path
    return own.hasPrefix(mark) ? String(own.dropFirst(mark.count)) : nil
  }
}

/// All targets of an adapter on one module of a file.
package struct SiteModules: Sendable {
  package let site: AdaptationSite
  /// The rows of the weight that the file's module stands for.
  package let rows: Range<Int>
  package var modules: [(target: AdapterTarget, change: any SiteChange)]

  package init(
    site: AdaptationSite, rows: Range<Int>? = nil,
    modules: [(target: AdapterTarget, change: any SiteChange)]
  ) {
    self.site = site
    self.rows = rows ?? 0..<site.outputs
    self.modules = modules
  }

  /// The only target, where it is all that the file's module stands for.
  package var whole: (target: AdapterTarget, change: any SiteChange)? {
    modules.count == 1 && modules[0].target.rows == rows ? modules[0] : nil
  }
}
