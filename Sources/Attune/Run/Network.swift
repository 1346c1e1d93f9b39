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

  /// Samples that go through the model at a time, given shapes of batches; nil for all.
  ///
  /// Enough to fill the products' rows, few enough that activations stay in the caches.
  package func samplesPerPass(_ shapes: [String: [Int]]) -> Int? {
    guard case .backbone(let backbone) = self, let positions = backbone.positions(shapes) else {
      return nil
    }
    return (Self.rowsPerPass + positions - 1) / max(1, positions)
  }

  private static let rowsPerPass = 192

  /// Refuses inputs that it cannot take, by name and shape.
  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    switch self {
    case .backbone(let backbone): try backbone.check(shapes)
    case .autoencoder(let autoencoder): try autoencoder.check(shapes)
    }
  }
}
