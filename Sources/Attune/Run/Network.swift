package import Backbones
package import Layers
import Recipes

/// What a run trains: a backbone, or a backbone's masked autoencoder.
package enum Network: Sendable {
  case backbone(any Backbone)
  case autoencoder(any MaskedAutoencoder)

  /// Checkpoint layouts that it reads, the one that it writes first.
  package var layouts: [KeyLayout] {
    switch self {
    case .backbone(let backbone): backbone.layouts
    case .autoencoder(let autoencoder): autoencoder.layouts
    }
  }

  /// Refuses inputs that it cannot take, by name and shape.
  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    switch self {
    case .backbone(let backbone): try backbone.check(shapes)
    case .autoencoder(let autoencoder): try autoencoder.check(shapes)
    }
  }
}
