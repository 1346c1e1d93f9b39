package import Checkpoints
package import Formats
package import Layers
package import Recipes
package import Tensors

/// A parameter-efficient adaptation method: what is trained in place of the base weights.
///
/// A method is one file. It supplies mathematics; finding targets, freezing, merging, saving and
/// loading are the engine's.
package protocol AdapterMethod: RegistryEntry, Sendable {
  /// `peft_type` in `adapter_config.json`: PEFT's where PEFT has the method, else our own.
  static var peftType: String { get }

  /// The method with its own options; contradictions go to `diagnostics`.
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// Rank, scaling and dropout before exceptions by pattern; nil for a method without ranks.
  var lowRank: LowRank? { get }

  /// Makes the trainable delta for one target.
  ///
  /// - Throws: where the method cannot stand on this weight.
  func makeDelta(for target: AdapterTarget) throws(AdapterError) -> any WeightDelta

  /// Trainable values on a target, by the method's formula.
  func trainableCount(for target: AdapterTarget) -> Int

  /// The adapter in PEFT's layout: the method's own configuration fields and its tensors, named by
  /// module path and parameter.
  ///
  /// - Throws: `AdapterError.unsupported` for what the layout cannot say.
  func exported(_ adapter: AttachedAdapter) throws(AdapterError) -> PEFTAdapter

  /// The values of the adapter's parameters from a directory in PEFT's layout, by parameter path.
  func imported(
    _ adapter: AttachedAdapter, from directory: PEFTDirectory
  ) throws -> [String: Tensor]
}

/// The part of a PEFT directory that a method writes.
package struct PEFTAdapter {
  package var configuration: JSONObject
  /// `blocks.0.attn.qkv.lora_A.weight` and the like, without PEFT's prefix.
  package var tensors: [(name: String, tensor: Tensor)]

  package init(configuration: JSONObject, tensors: [(name: String, tensor: Tensor)]) {
    self.configuration = configuration
    self.tensors = tensors
  }
}

/// A weight, or rows of it, with the settings that hold there.
package struct AdapterTarget: Sendable {
  package let site: AdaptationSite
  /// Rows of the matricised weight.
  package let rows: Range<Int>
  package let rank: Int
  package let alpha: Double
  package let usesRankStabilizedScaling: Bool
  package let dropout: Double

  package init(
    site: AdaptationSite, rows: Range<Int>? = nil, rank: Int, alpha: Double,
    usesRankStabilizedScaling: Bool = false, dropout: Double = 0
  ) {
    self.site = site
    self.rows = rows ?? 0..<site.outputs
    self.rank = rank
    self.alpha = alpha
    self.usesRankStabilizedScaling = usesRankStabilizedScaling
    self.dropout = dropout
  }

  /// Whether the target is the whole weight.
  package var isWhole: Bool { rows == 0..<site.outputs }

  /// α/r, or α/√r when rank-stabilized (arXiv 2312.03732).
  package var scaling: Double {
    alpha / (usesRankStabilizedScaling ? Double(rank).squareRoot() : Double(rank))
  }

  /// Path of a tensor of the adapter: below the module, slices told apart by their rows.
  package func path(to name: String) -> String {
    isWhole
      ? "\(site.path).\(name)"
      : "\(site.path)[\(rows.lowerBound):\(rows.upperBound)].\(name)"
  }
}
