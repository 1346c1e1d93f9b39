import Attune
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

/// A configuration of another program beside the tests.
struct PeerConfiguration: Sendable, CustomStringConvertible {
  let format: String
  let name: String

  var path: String { Self.folder + "/\(format)/\(name)" }
  var description: String { "\(format)/\(name)" }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Configurations").path

  static func all(of format: String) throws -> [PeerConfiguration] {
    try FileManager.default.contentsOfDirectory(atPath: folder + "/" + format).sorted()
      .filter { !$0.hasPrefix(".") }
      .map { PeerConfiguration(format: format, name: $0) }
  }

  static let formats = ["axolotl", "mmseg", "peft", "terratorch", "torchtune"]

  static func all() throws -> [PeerConfiguration] { try formats.flatMap(all(of:)) }

  func imported() throws -> ImportedConfiguration { try importConfiguration(path) }
}

extension ImportedConfiguration {
  /// What became of a key.
  func key(_ name: String) throws -> ImportedKey {
    try #require(keys.first { $0.key == name }, "\(name) among \(keys.map(\.key))")
  }

  /// The field of the recipe, as JSON.
  func field(_ path: String) throws -> String? {
    let diagnostics = Diagnostics()
    let tree = YAMLReader.read(recipe, source: "recipe", directory: ".", diagnostics: diagnostics)
    let root = try #require(tree)
    return (DottedPath.keys(of: path) ?? []).reduce(root as Located?) { $0?[$1] }?.plain.json
  }
}

@Suite("Configurations of other programs")
struct ImportTests {
  @Test("there are ten of each program", arguments: PeerConfiguration.formats)
  func tenOfEach(format: String) throws {
    #expect(try PeerConfiguration.all(of: format).count == 10)
  }

  @Test(
    "each is recognized, no key is unaccounted for, and the recipe reads back",
    arguments: try PeerConfiguration.all())
  func accounted(configuration: PeerConfiguration) throws {
    let imported = try configuration.imported()
    #expect(imported.format == configuration.format)
    let known = Set(imported.keys.map(\.key))
    for leaf in try Self.leaves(configuration) {
      let isKnown = known.contains { leaf == $0 || leaf.hasPrefix($0 + ".") }
      #expect(isKnown, "\(leaf) is not accounted for")
    }
    for key in imported.keys {
      switch key.fate {
      case .mapped: #expect(!key.fields.isEmpty || key.reason != nil, "\(key)")
      case .defaulted, .unmappable: #expect(key.reason?.isEmpty == false, "\(key)")
      }
      #expect(key.fate == .unmappable || !key.changesResult)
    }
    #expect(imported.problems.isEmpty, "\(imported.problems)\n\(imported.recipe)")
    for placeholder in imported.placeholders {
      #expect(imported.recipe.contains("# PLACEHOLDER: \(placeholder.reason)"))
    }
    // Every field that a key names stands in the recipe.
    for field in imported.keys.flatMap(\.fields)
    where !["train.epochs", "model.neck", "model.num_classes"].contains(
      where: { field.field.hasPrefix($0) })
    {
      #expect(try imported.field(field.field) != nil, "\(field.field)\n\(imported.recipe)")
    }
  }

  /// Dotted paths of everything that is no map or list in a file.
  private static func leaves(_ configuration: PeerConfiguration) throws -> [String] {
    let root = try configurationValues(configuration.path)
    func leaves(_ value: Located, _ path: String) -> [String] {
      switch value.value {
      case .map(let entries) where !entries.isEmpty:
        entries.flatMap { leaves($0.value, path.isEmpty ? $0.key : "\(path).\($0.key)") }
      case .list(let elements) where !elements.isEmpty:
        elements.enumerated().flatMap { leaves($1, "\(path).\($0)") }
      default: [path]
      }
    }
    return leaves(root, "")
  }

  @Test("a key that changes the result ends the import, and --partial writes the rest")
  func partial() throws {
    let folder = try TemporaryDirectory()
    let lost = try PeerConfiguration(format: "torchtune", name: "03-qlora.yaml").imported()
    #expect(lost.lost.map(\.key).contains("model.quantize_base"))
    #expect(throws: ImportError.self) {
      try writeImported(
        lost, to: folder.path("recipe.yaml"), isPartial: false, replacing: false)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("recipe.yaml")))
    try writeImported(lost, to: folder.path("recipe.yaml"), isPartial: true, replacing: false)
    let text = try String(contentsOfFile: folder.path("recipe.yaml"), encoding: .utf8)
    #expect(text.contains("model.quantize_base: true"))
    // What is there is not replaced.
    #expect(throws: FormatError.self) {
      try writeImported(lost, to: folder.path("recipe.yaml"), isPartial: true, replacing: false)
    }
  }

  @Test("a file of no known program is refused with its keys")
  func unknown() throws {
    let folder = try TemporaryDirectory()
    try folder.write("alpha: 1\nbeta: {gamma: 2}\n", to: "other.yaml")
    #expect(throws: ImportError.self) { try importConfiguration(folder.path("other.yaml")) }
    #expect(throws: RecipeError.self) { try importConfiguration(folder.path("absent.yaml")) }
    // Asked for by name, its keys are all unmappable.
    let imported = try importConfiguration(folder.path("other.yaml"), from: "axolotl")
    #expect(try imported.key("alpha").fate == .unmappable)
    #expect(try imported.key("beta").fate == .unmappable)
  }

  @Test(
    "Python that is more than literals is refused with its line",
    arguments: [
      ("import os\n", 1), ("a = 1\nb = open('x')\n", 2), ("a = [1, 2\n", 2),
      ("a = {'b': c}\n", 1), ("for i in range(3):\n  pass\n", 1), ("a = 'x\n", 1),
      ("a = 1\n\nclass B:\n  pass\n", 3), ("a = lambda: 1\n", 1),
    ])
  func python(text: String, line: Int) throws {
    let folder = try TemporaryDirectory()
    try folder.write("model = dict()\n" + text, to: "config.py")
    #expect {
      try importConfiguration(folder.path("config.py"))
    } throws: { error in
      guard case ImportError.unreadable(_, let found, _) = error else { return false }
      return found == line + 1 || found == line + 2
    }
  }
}
