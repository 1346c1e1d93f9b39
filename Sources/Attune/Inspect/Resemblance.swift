import Backbones
import Checkpoints
import Layers
import Recipes

/// An architecture that a checkpoint's keys look like.
struct Resemblance: CustomStringConvertible {
  let backbone: String
  let layout: String
  let size: ModelSize

  var description: String { "\(backbone), layout \(layout), \(size)" }
}

/// The backbone and layout whose keys are most like a checkpoint's, numbers in them aside; nil where
/// none has half of its kinds of keys.
///
/// Backbones are built with their defaults: a variant differs in few kinds of keys.
func resemblance(
  of source: any TensorSource, among registry: Registry<any Backbone.Type> = backbones
) -> Resemblance? {
  var source = source
  for wrapper in weightWrappers { source = source.strippingCommonPrefix(wrapper) }
  let names = Set(source.names)
  var best: (share: Double, found: Resemblance)?
  for type in registry.entries {
    let builder = ModelBuilder()
    let diagnostics = Diagnostics()
    let empty = Located(plain: .map([]), at: SourceLocation(source: "default"))
    let backbone = type.init(
      OptionReader(empty, type.options, diagnostics), for: DataShape(), in: builder.root,
      diagnostics)
    guard diagnostics.errors.isEmpty else { continue }
    for layout in backbone.layouts where layout.recognizes(names) {
      let own = kinds(layout.keys(of: builder.tree))
      let found = kinds(source.names.filter { !layout.ignores($0) && !layout.isHead($0) })
      let share = Double(own.intersection(found).count) / Double(max(1, own.union(found).count))
      if share >= 0.5, share > best?.share ?? 0 {
        let entries = source.names.compactMap { name in
          source.entry(name).map { (key: name, shape: $0.shape) }
        }
        best = (
          share, Resemblance(backbone: type.name, layout: layout.name, size: ModelSize(entries))
        )
      }
    }
  }
  return best?.found
}

/// Keys without the numbers in them.
private func kinds(_ keys: [String]) -> Set<String> {
  Set(keys.map { $0.replacing(#/[0-9]+/#, with: "*") })
}
