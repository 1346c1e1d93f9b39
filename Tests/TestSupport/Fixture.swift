package import Foundation

/// One parity case: a JSON file that says how to run it and, beside it, a safetensors file of the
/// same name with weights, inputs and expected values.
package struct Fixture: Sendable, Hashable, CustomStringConvertible {
  /// Folder and file name without extension, as `morph/c01_revin`.
  package let name: String
  package let json: URL

  package var description: String { name }
  package var tensors: URL {
    json.deletingPathExtension().appendingPathExtension("safetensors")
  }

  /// The cases of a folder below `../shared/fixtures`, sorted by name; none where that is absent.
  ///
  /// `isWanted` chooses among them by file name without extension.
  package static func all(
    in folder: String, where isWanted: (String) -> Bool = { _ in true }
  ) -> [Fixture] {
    let directory = URL(filePath: Shared.path("fixtures/\(folder)"))
    let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return files.filter { $0.hasSuffix(".json") }
      .map { String($0.dropLast(".json".count)) }
      .filter(isWanted).sorted()
      .map { Fixture(name: "\(folder)/\($0)", json: directory.appending(path: "\($0).json")) }
  }

  /// The content of the JSON file, decoded.
  package func decoded<Content: Decodable>(as type: Content.Type) throws -> Content {
    try JSONDecoder().decode(type, from: Data(contentsOf: json))
  }
}
