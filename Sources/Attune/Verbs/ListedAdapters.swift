import Adapters
import Recipes

/// An adaptation method as `list adapters --json` shows it.
package struct ListedAdapter: Encodable, Sendable {
  package var name: String
  package var summary: String
  package var isExperimental: Bool
  /// `verified`, or `unverified` where the source's formula could not be read.
  package var status: String
  /// Where it can stand and what it can do.
  package var capabilities: [String]
  /// Its options.
  package var parameters: [ListedField]

  private enum CodingKeys: String, CodingKey {
    case name, summary, status, capabilities, parameters
    case isExperimental = "experimental"
  }
}

/// All adaptation methods with what recipes can set of them.
package func listedAdapters() -> [ListedAdapter] {
  let methods = Registries.standard.adapterMethods
  let fields = methods.fields(of: "adapter")
  return methods.entries.map { method in
    let prefix = "adapter(\(method.name))."
    return ListedAdapter(
      name: method.name, summary: method.summary, isExperimental: method.isExperimental,
      status: method.isExperimental ? "unverified" : "verified",
      capabilities: method.capabilities.names,
      parameters: fields.filter { $0.name.hasPrefix(prefix) }.map { field in
        var field = field
        field.name.removeFirst(prefix.count)
        return field
      })
  }
}

extension AdapterCapabilities {
  private static let named: [(AdapterCapabilities, String)] = [
    (.linear, "linear"), (.convolution2D, "convolution2d"), (.convolution3D, "convolution3d"),
    (.groups, "groups"), (.rows, "rows"), (.blocks, "blocks"), (.modules, "modules"),
    (.mergeable, "mergeable"), (.zeroStart, "zero_start"), (.readsBase, "reads_base"),
    (.portable, "peft"), (.rankResizable, "rank_resizable"), (.mixesSamples, "mixes_samples"),
    (.ordered, "ordered"), (.startable, "init"), (.tokenGrid, "token_grid"),
  ]

  /// The names of those that are set.
  fileprivate var names: [String] { Self.named.filter { contains($0.0) }.map(\.1) }
}
