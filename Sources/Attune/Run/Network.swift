package import Backbones
package import Layers
import Recipes

/// What a run trains: a backbone, a backbone with a task's head, or a masked autoencoder.
package enum Network: Sendable {
  case backbone(any Backbone)
  case task(TaskNetwork)
  case autoencoder(any MaskedAutoencoder)

  /// Checkpoint layouts that it reads, the one that it writes first.
  package var layouts: [KeyLayout] {
    switch self {
    case .backbone(let backbone): backbone.layouts
    case .task(let network): network.layouts
    case .autoencoder(let autoencoder): autoencoder.layouts
    }
  }

  /// Samples that go through the model at a time, given shapes of batches; nil for all.
  ///
  /// Enough to fill the products' rows, few enough that activations stay in the caches.
  package func samplesPerPass(_ shapes: [String: [Int]]) -> Int? {
    guard let positions = backbone?.positions(shapes) else { return nil }
    return (Self.rowsPerPass + positions - 1) / max(1, positions)
  }

  private static let rowsPerPass = 192

  /// The backbone; nil for an autoencoder.
  package var backbone: (any Backbone)? {
    switch self {
    case .backbone(let backbone): backbone
    case .task(let network): network.backbone
    case .autoencoder: nil
    }
  }

  /// Whether a parameter is part of the task and not of the backbone.
  func isOfTask(_ path: String) -> Bool {
    guard case .task(let network) = self else { return false }
    return network.isOfTask(path)
  }

  /// Refuses inputs that it cannot take, by name and shape.
  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    switch self {
    case .backbone(let backbone): try backbone.check(shapes)
    case .task(let network): try network.backbone.check(shapes)
    case .autoencoder(let autoencoder): try autoencoder.check(shapes)
    }
  }
}
