import Layers
import Tensors

/// Four maps brought to four times, twice, once and half the grid of tokens by transposed
/// convolutions and a max-pool.
struct NeckEnlargement: Sendable {
  let levels: [PyramidLevel]
  private let first: TransposedConvolution
  private let norm: BatchNorm
  private let second: TransposedConvolution
  private let twofold: TransposedConvolution

  /// `narrowed` are the widths after one and two doublings.
  init(fourfold: Scope, twofold: Scope, width: Int, narrowed: [Int]) {
    func doubling(_ scope: Scope, _ inputs: Int, _ outputs: Int) -> TransposedConvolution {
      TransposedConvolution(scope, inputs: inputs, outputs: outputs, kernel: [2, 2])
    }
    first = doubling(fourfold / 0, width, narrowed[0])
    norm = BatchNorm(fourfold / 1, channels: narrowed[0])
    second = doubling(fourfold / 3, narrowed[0], narrowed[1])
    self.twofold = doubling(twofold / 0, width, narrowed[0])
    levels = [
      PyramidLevel(width: narrowed[1], enlargement: 4),
      PyramidLevel(width: narrowed[0], enlargement: 2),
      PyramidLevel(width: width), PyramidLevel(width: width, reduction: 2),
    ]
  }

  func callAsFunction(_ maps: [Tensor], _ context: ForwardContext) -> [Tensor] {
    [
      second(norm(first(maps[0]), context).gelu()), twofold(maps[1]), maps[2],
      maps[3].maxPooled(by: 2),
    ]
  }
}
