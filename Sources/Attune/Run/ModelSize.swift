import Backbones
import Checkpoints
import Layers

/// The size of a model as its keys and shapes show it, whatever the architecture.
///
/// The width is the most frequent length of vectors, which norms and biases are; blocks are counted by
/// the numbers in keys.
struct ModelSize: CustomStringConvertible {
  private(set) var width: Int?
  /// Members of each numbered list, by the path before the number; numbers further up are `*`.
  private var counts: [String: Int] = [:]
  /// The list that most keys are in.
  private var main: String?

  init(_ entries: [(key: String, shape: [Int])]) {
    var lengths: [Int: Int] = [:]
    var members: [String: Set<String>] = [:]
    var keys: [String: Int] = [:]
    for (key, shape) in entries {
      if shape.count == 1 { lengths[shape[0], default: 0] += 1 }
      for (list, number) in Self.numbers(in: key) {
        members[list, default: []].insert(number)
        keys[list, default: 0] += 1
      }
    }
    width = lengths.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    counts = members.mapValues(\.count)
    main = keys.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  /// As `768 wide with 12 blocks`.
  var description: String { text(main.map { [$0] } ?? []) }

  /// What a file and the model differ in; nil where both are of one size.
  static func difference(
    _ source: any TensorSource, _ layout: KeyLayout, _ tree: ModuleTree
  ) -> String? {
    let keys = Set(layout.keys(of: tree))
    let file = ModelSize(
      source.names.compactMap { name in source.entry(name).map { (name, $0.shape) } })
    let model = ModelSize(
      tree.stored.flatMap { parameter in
        layout.parts(of: parameter.path).map { ($0.key, parameter.shape) }
      })
    guard source.names.contains(where: keys.contains) else { return nil }
    var lists = model.counts.keys.filter { list in
      file.counts[list].map { $0 != model.counts[list] } ?? false
    }.sorted()
    guard file.width != model.width || !lists.isEmpty else { return nil }
    if lists.isEmpty, let main = model.main { lists = [main] }
    return "the file is \(file.text(lists)); the recipe asks for \(model.text(lists))"
  }

  private func text(_ lists: [String]) -> String {
    let parts = lists.prefix(3).compactMap { list in
      counts[list].map { "\($0) \(list.split { "./".contains($0) }.last { $0 != "*" } ?? "parts")" }
    }
    let width = width.map { "\($0) wide" } ?? "of unknown width"
    return parts.isEmpty ? width : "\(width) with \(parts.joined(separator: ", "))"
  }

  /// Lists that a key is in, with its number in each: `blocks` 3 for `blocks.3.norm1.weight`,
  /// `Transformer/encoderblock` 3 for `Transformer/encoderblock_3/…`.
  private static func numbers(in key: String) -> [(list: String, number: String)] {
    var found: [(String, String)] = []
    var path: [Substring] = []
    for component in key.split(whereSeparator: { "./".contains($0) }) {
      let digits = component.reversed().prefix { $0.isASCII && $0.isNumber }.count
      let stem = component.dropLast(digits)
      if digits > 0, stem.isEmpty || stem.hasSuffix("_") {
        let name = stem.isEmpty ? [] : [stem.dropLast()]
        found.append(((path + name).joined(separator: "."), String(component.suffix(digits))))
        path += name + ["*"]
      } else {
        path.append(component)
      }
    }
    return found
  }
}
