import Layers
package import Tensors

/// Two layers that embed the patches of every channel alike, one set for each input.
struct LESSEmbedding: Sendable {
  private let weights: [Parameter]
  private let biases: [Parameter]

  /// `0.weight` `[2 width, 1, 1, patch, patch]` and `2.weight` `[width, 2 width, 1, 1, 1]`, stored as
  /// convolutions over channel, height and width.
  init(_ scope: Scope, _ configuration: LESSConfiguration) {
    let (patch, width) = (configuration.patch, configuration.width)
    let pixels = patch * patch
    let sizes = [(pixels, 2 * width), (2 * width, width)]
    let shapes = [[2 * width, 1, 1, patch, patch], [width, 2 * width, 1, 1, 1]]
    weights = zip(["0", "2"], zip(sizes, shapes)).map { name, layer in
      (scope / name).parameter(
        "weight", shape: layer.1, .xavier(inputs: layer.0.0, outputs: layer.0.1))
    }
    biases = zip(["0", "2"], sizes).map { name, size in
      (scope / name).parameter("bias", shape: [size.1], .fanIn(size.0))
    }
  }

  var parameters: [Parameter] { weights + biases }

  /// From `[batch, channel, position, patch · patch]` to `[batch, channel, position, width]`.
  func callAsFunction(_ patches: Tensor) -> Tensor {
    func layer(_ x: Tensor, _ index: Int) -> Tensor {
      let weight = weights[index]()
      return linear(
        x, weight: weight.reshaped(to: [weight.shape[0], -1]), bias: biases[index]())
    }
    return layer(layer(patches, 0).relu(), 1)
  }
}

/// Cuts `[batch, channel, height, width]` into `[batch, channel, position, patch · patch]`, positions
/// and pixels row by row.
package func channelPatches(_ image: Tensor, _ patch: Int) -> Tensor {
  let (batch, channels) = (image.shape[0], image.shape[1])
  let (rows, columns) = (image.shape[2] / patch, image.shape[3] / patch)
  return image.reshaped(to: [batch, channels, rows, patch, columns, patch])
    .permuted([0, 1, 2, 4, 3, 5])
    .reshaped(to: [batch, channels, rows * columns, patch * patch])
}
