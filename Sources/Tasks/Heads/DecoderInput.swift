import Layers
import Recipes
import Tensors

extension Features {
  /// The map of a block that a decoder or neck asked for, as it is or after the final norm.
  func map(_ block: Int, isNormalized: Bool = false) -> Tensor {
    let offered = isNormalized ? normalizedMaps : maps
    guard let map = offered[block] else {
      preconditionFailure("no map of block \(block); there are maps of \(offered.keys.sorted())")
    }
    return map
  }
}

extension FeatureShape {
  /// The four levels of the pyramid that a decoder needs; any other number is refused, and four
  /// levels returned all the same.
  func fourLevels(
    for decoder: String, _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> [PyramidLevel] {
    if pyramid.count == 4 { return pyramid }
    diagnostics.error(
      .rule(
        pyramid.isEmpty
          ? "decoder \(decoder) needs a pyramid of 4 maps, but the model has no neck"
          : "decoder \(decoder) needs a pyramid of 4 maps, the neck makes \(pyramid.count)",
        mend: pyramid.isEmpty
          ? "set model.neck, for instance learned" : "name 4 blocks in model.neck.blocks"),
      at: options.location, path: options.path)
    return [PyramidLevel](repeating: PyramidLevel(width: 1), count: 4)
  }
}

extension OptionReader {
  /// The block whose map a decoder takes, the last where the recipe names none.
  func block(of features: FeatureShape, _ diagnostics: Diagnostics) -> Int {
    let last = features.blocks - 1
    guard let block = optionalInt("block") else { return last }
    if block > last {
      diagnostics.error(
        .rule("there is no block \(block)", mend: "the backbone's blocks are 0 to \(last)"),
        at: location, path: path + ".block")
    }
    return min(block, last)
  }
}

extension Tensor {
  /// Height and width of `[batch, channels, height, width]`.
  var imageSize: [Int] { Array(shape[2...]) }
}

extension [Int] {
  /// Height and width in words: `28 × 28`.
  var byWord: String { map(String.init).joined(separator: " × ") }
}

extension String {
  /// The text with one beginning exchanged for another, unchanged where it begins otherwise.
  func replacingPrefix(_ prefix: String, with other: String) -> String {
    hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
  }
}
