import Layers
import Tensors

extension Features {
  /// The map of the last block after the backbone's final norm, which a backbone without one leaves
  /// out.
  func lastMap(_ block: Int) -> Tensor { normalizedMaps[block] ?? map(block) }
}
