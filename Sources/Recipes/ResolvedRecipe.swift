import Foundation

/// A recipe with aliases replaced, references worked out, defaults written out and paths absolute.
///
/// Reading its YAML back gives the same recipe and the same digest.
package struct ResolvedRecipe: Sendable, Hashable {
  package let value: PlainValue

  package init(_ value: PlainValue) {
    self.value = value
  }

  /// The text of `recipe.resolved.yaml`.
  package var yaml: String { YAMLWriter.text(of: value) }

  /// SHA-256 over what decides the run's result, 64 hex digits.
  ///
  /// Left out are `name`, `seed`, `output`, `tracking`, `sweep`, `train.resume`, `train.log_every`,
  /// `data.num_workers`, `data.cache`, and `data.card`, whose fields are all there. A single adapter
  /// counts like a list of one.
  ///
  /// - Parameter contentDigest: Called with the dotted path of a field and the absolute path in it;
  ///   gives the digest of what lies there.
  /// - Returns: The digest.
  package func digest(
    replacing contentDigest: (_ field: String, _ path: String) throws -> String
  ) rethrows -> String {
    var root = value
    for field in ["name", "seed", "output", "tracking", "sweep"] { root = root.removing([field]) }
    for field in [
      ["train", "resume"], ["train", "log_every"], ["data", "num_workers"], ["data", "cache"],
      ["data", "card"], ["distributed", "slurm"],
    ] {
      root = root.removing(field)
    }
    if case .list(let sources)? = root["data"]?["sources"] {
      let stripped = sources.map {
        $0.removing(["num_workers"]).removing(["cache"]).removing(["card"])
      }
      root = root.replacing("data", with: .map([.init("sources", .list(stripped))]))
    }
    if let adapter = root["adapter"], case .map = adapter {
      root = root.replacing("adapter", with: .list([adapter]))
    }
    return SHA256Digest.of(try root.replacingPaths(field: "", contentDigest).json)
  }
}

extension ResolvedRecipe {
  /// SHA-256 over what decides the samples and their values: `data` without `batch_size`, `sampler`,
  /// `num_workers`, `cache`, `on_bad`, `max_skipped`, `card`, and names and weights of sources.
  ///
  /// - Parameter contentDigest: as for `digest`.
  /// - Returns: The digest.
  package func sampleDigest(
    replacing contentDigest: (_ field: String, _ path: String) throws -> String
  ) rethrows -> String {
    func stripped(_ section: PlainValue) -> PlainValue {
      [
        "batch_size", "sampler", "num_workers", "cache", "on_bad", "max_skipped", "card", "weight",
        "name",
      ].reduce(section) { $0.removing([$1]) }
    }
    var data = stripped(value["data"] ?? .map([]))
    if case .list(let sources)? = data["sources"] {
      data = data.replacing("sources", with: .list(sources.map(stripped)))
    }
    let root = PlainValue.map([.init("data", data)])
    return SHA256Digest.of(try root.replacingPaths(field: "", contentDigest).json)
  }
}

extension PlainValue {
  fileprivate func replacing(_ key: String, with value: PlainValue) -> PlainValue {
    guard case .map(let fields) = self else { return self }
    return .map(fields.map { $0.key == key ? Field(key, value) : $0 })
  }

  fileprivate func removing(_ keys: [String]) -> PlainValue {
    guard case .map(let fields) = self, let key = keys.first else { return self }
    let rest = Array(keys.dropFirst())
    return .map(
      fields.compactMap { field in
        guard field.key == key else { return field }
        return rest.isEmpty ? nil : Field(key, field.value.removing(rest))
      })
  }

  /// The value with digests in the place of paths.
  fileprivate func replacingPaths(
    field: String, _ contentDigest: (String, String) throws -> String
  ) rethrows -> PlainValue {
    switch self {
    case .null, .boolean, .integer, .number, .text: self
    case .path(let path): .text("sha256:" + (try contentDigest(field, path)))
    case .list(let elements):
      .list(
        try elements.enumerated().map {
          try $1.replacingPaths(field: DottedPath.joining(field, String($0)), contentDigest)
        })
    case .map(let fields):
      .map(
        try fields.map {
          Field(
            $0.key,
            try $0.value.replacingPaths(
              field: DottedPath.joining(field, $0.key), contentDigest))
        })
    }
  }
}
