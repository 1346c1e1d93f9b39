import Layers
import Tensors

extension Features {
  /// The tokens of the last layer as a map `[batch, width, height, width]` counted in patches, without
  /// what stands before them.
  func tokenMap(_ shape: FeatureShape, imageSize: [Int]) -> Tensor {
    let grid = zip(imageSize, shape.patch).map { $0 / $1 }
    let count = grid.reduce(1, *)
    guard let tokens, tokens.shape[1] >= count else {
      preconditionFailure("\(tokens?.shape ?? []) tokens for a grid of \(grid)")
    }
    return tokens.sliced(axis: 1, (tokens.shape[1] - count)..<tokens.shape[1])
      .permuted([0, 2, 1]).reshaped(to: [tokens.shape[0], tokens.shape[2]] + grid)
  }
}
