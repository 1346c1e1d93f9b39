import Backbones
import Checkpoints
import Layers
import Recipes

/// The layout that a checkpoint's keys are in: the first that recognizes them.
///
/// - Throws: `RunError.layoutUnknown` with what is nearest where none does.
func keyLayout(
  of source: any TensorSource, among layouts: [KeyLayout], for tree: ModuleTree
) throws(RunError) -> KeyLayout {
  let names = Set(source.names)
  if let layout = layouts.first(where: { $0.recognizes(names) }) {
    let keys = layout.keys(of: tree)
    guard keys.contains(where: names.contains) else {
      throw unknownLayout(source, [layout], tree)
    }
    return layout
  }
  throw unknownLayout(source, layouts, tree)
}

extension KeyLayout {
  /// The stored keys of all of a model's values.
  func keys(of tree: ModuleTree) -> [String] {
    tree.stored.flatMap { parts(of: $0.path).map(\.key) }
  }
}

private func unknownLayout(
  _ source: any TensorSource, _ layouts: [KeyLayout], _ tree: ModuleTree
) -> RunError {
  let names = Set(source.names)
  let hits = layouts.map { layout in layout.keys(of: tree).count(where: names.contains) }
  let nearest = layouts.indices.max { hits[$0] < hits[$1] }
  let expected = nearest.map { layouts[$0].keys(of: tree) } ?? []
  return .layoutUnknown(
    path: source.path,
    tried: zip(layouts, hits).map { "\($0.name): \($1) of its keys found" },
    hint: hint(expected, among: source.names))
}

/// What to change so that keys agree, as far as the keys themselves tell.
private func hint(_ expected: [String], among names: [String]) -> String {
  for key in expected.prefix(8) {
    guard let name = names.first(where: { $0.hasSuffix("." + key) }) else { continue }
    let prefix = name.dropLast(key.count)
    if expected.count(where: { names.contains(prefix + $0) }) * 2 > expected.count {
      return "Its keys have '\(prefix)' in front: set model.weights_prefix: \(prefix)"
    }
  }
  let wanted = expected.filter { !names.contains($0) }.prefix(3).map { key in
    "\(key)\(NearestName.of(key, among: names).map { " (nearest: \($0))" } ?? "")"
  }
  return "It has keys such as \(names.prefix(3).joined(separator: ", ")); expected are "
    + "\(wanted.joined(separator: ", ")). Check that it belongs to this backbone"
}
