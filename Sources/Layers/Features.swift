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

  package init(width: Int, pooledWidth: Int? = nil, blocks: Int, patch: [Int]) {
    self.width = width
    self.pooledWidth = pooledWidth ?? width
    self.blocks = blocks
    self.patch = patch
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
  /// Intermediate values by name, for parity cases and special heads.
  package var named: [String: Tensor] = [:]

  package init() {}
}
