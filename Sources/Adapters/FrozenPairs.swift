import Layers
import Recipes
import Tensors

/// Frozen low-rank pairs on one target, weighed one by one.
struct FrozenPairs: Sendable {
  /// `[r_i, in]`.
  let downs: [Parameter]
  /// `[rows, r_i]`.
  let ups: [Parameter]
  private let units: RoutedUnits

  var buffers: [Parameter] { downs + ups }

  /// Buffers `PREFIX_A.i` and `PREFIX_B.i` of the target.
  init(_ pairs: [StoredPairs.Pair], _ target: AdapterTarget, _ prefix: String) {
    downs = pairs.enumerated().map { target.buffer("\(prefix)_A.\($0)", $1.down) }
    ups = pairs.enumerated().map { target.buffer("\(prefix)_B.\($0)", $1.up) }
    units = RoutedUnits(ranks: pairs.map { $0.down.shape[0] })
  }

  /// Σ_i w_i B_i A_i x for weights `[..., pairs]`, the leading `outputs` features.
  func output(_ x: Tensor, weights: Tensor, outputs: Int) -> Tensor {
    let down = Tensor.concatenated(downs.map(\.value), axis: 0)
      .sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let up = Tensor.concatenated(ups.map(\.value), axis: 1).sliced(axis: 0, 0..<outputs)
    return linear(units(linear(x, weight: down), weights: weights), weight: up)
  }
}

extension StoredPairs {
  /// The pairs of some folders where targets are new; nil where a file has them.
  static func ifNew(
    _ targets: [AdapterTarget], _ folders: [String], method: String
  ) throws(AdapterError) -> StoredPairs? {
    let isNew = targets.contains { $0.stored.isEmpty }
    return isNew ? try StoredPairs(folders, method: method) : nil
  }

  /// Pairs of the shapes that a file has under a prefix.
  static func empty(_ target: AdapterTarget, _ prefix: String) -> [Pair] {
    var pairs: [Pair] = []
    while let shape = target.stored["\(prefix)_A.\(pairs.count)"], shape.count == 2 {
      pairs.append(
        Pair(
          down: Tensor(zeros: [shape[0], target.inputs]),
          up: Tensor(zeros: [target.rows.count, shape[0]])))
    }
    return pairs
  }
}

extension OptionReader {
  /// The paths of a list.
  func paths(_ name: String) -> [String] {
    list(name).compactMap { item in
      guard case .path(let path) = item.value else { return nil }
      return path
    }
  }
}

/// A method that mixes saved low-rank adapters of this base.
package protocol MixesSavedPairs: AdapterMethod {
  /// Folders of the adapters.
  var folders: [String] { get }
}

extension MixesSavedPairs {
  package func checkBase(_ digest: String) throws(AdapterError) {
    try StoredPairs(folders, method: Self.name).checkBase(digest)
  }
}

extension Option {
  /// `adapters` of a method that mixes saved ones.
  static let savedAdapters = Option(
    "adapters", .list(.path, count: 1...1024), default: .required,
    "Folders of saved lora adapters of this base, such as `adapter` of a run.")
}
