package import Tensors

/// What a backbone offers to heads and decoders.
package struct FeatureShape: Sendable, Equatable {
  /// Width of a token.
  package var width: Int
  /// Width of the pooled vector.
  package var pooledWidth: Int
  /// Blocks whose outputs can be asked for, numbered from 0.
  package var blocks: Int
  /// Pixels of a token's patch along height and width.
  package var patch: [Int]
  /// Whether maps are also offered after the final norm.
  package var offersNormalizedMaps: Bool
  /// Levels that a neck makes of the blocks' maps, finest first; empty without a neck.
  package var pyramid: [PyramidLevel]

  package init(
    width: Int, pooledWidth: Int? = nil, blocks: Int, patch: [Int],
    offersNormalizedMaps: Bool = false, pyramid: [PyramidLevel] = []
  ) {
    self.width = width
    self.pooledWidth = pooledWidth ?? width
    self.blocks = blocks
    self.patch = patch
    self.offersNormalizedMaps = offersNormalizedMaps
    self.pyramid = pyramid
  }

  /// Height and width of a level's map for an image.
  package func size(of level: PyramidLevel, imageSize: [Int]) -> [Int] {
    zip(imageSize, patch).map { $0 / $1 * level.enlargement / level.reduction }
  }
}

/// One level of a pyramid of feature maps.
package struct PyramidLevel: Sendable, Equatable {
  package var width: Int
  /// The map has as many pixels as tokens along an axis, times this, divided by `reduction` and
  /// rounded down.
  package var enlargement: Int
  package var reduction: Int

  package init(width: Int, enlargement: Int = 1, reduction: Int = 1) {
    self.width = width
    self.enlargement = enlargement
    self.reduction = reduction
  }
}

/// Features of a batch, as far as they were asked for and the backbone has them.
package struct Features: Sendable {
  /// What a classification head takes, `[batch, width]`.
  package var pooled: Tensor?
  /// All tokens after the final norm, `[batch, token, width]`, prefix tokens first.
  package var tokens: Tensor?
  /// Maps of chosen blocks by number, `[batch, width, height, width]` counted in patches.
  package var maps: [Int: Tensor] = [:]
  /// The same maps after the backbone's final norm, for necks that ask for it.
  package var normalizedMaps: [Int: Tensor] = [:]
  /// What a neck made of the maps, finest first, `[batch, width, height, width]`.
  package var pyramid: [Tensor] = []
  /// Intermediate values by name, for parity cases and special heads.
  package var named: [String: Tensor] = [:]

  package init() {}
}
