import Foundation
package import Recipes

/// A program whose configurations become recipes: how its files look, and what each key means.
///
/// Keys are rows of a table (`rules`); what several keys say together is settled after them.
protocol PeerFormat: RegistryEntry, Sendable {
  static var syntax: PeerSyntax { get }
  /// Whether a file of that syntax is one of this program's.
  static func recognizes(_ root: Located) -> Bool
  static var rules: [ImportRule] { get }
  /// Writes what follows from several keys, and the program's defaults that differ from ours.
  static func settle(_ translation: inout Translation)
}

extension PeerFormat {
  static var options: OptionTable { [] }
}

/// How a configuration is written.
enum PeerSyntax: Sendable { case yaml, json, python }

/// The programs whose configurations `import` reads, in the order in which files are tried.
enum PeerFormats {
  static let registry = Registry<any PeerFormat.Type>(
    kind: "configuration format",
    [
      AxolotlFormat.self,
      MMSegFormat.self,
      PEFTFormat.self,
      TerratorchFormat.self,
      TorchtuneFormat.self,
    ])
}

/// A peer's configuration as values, whatever it is written in.
struct PeerFile {
  let path: String
  let syntax: PeerSyntax
  let root: Located
  /// Top-level names of a Python file that its other lines use.
  var variables: Set<String> = []

  /// Reads a file; its syntax is seen from its first line.
  ///
  /// - Throws: `ImportError.unreadable` with the place where the text is no map of literals, and
  ///   `RecipeError.fileMissing`.
  init(_ path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else {
      throw RecipeError.fileMissing(path: path)
    }
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(data: data, encoding: .utf8)
    else {
      throw ImportError.unreadable(path: path, line: nil, reason: "it is no text in UTF-8")
    }
    let first =
      text.split(separator: "\n").map { $0.drop { $0.isWhitespace } }
      .first { !$0.isEmpty && !$0.hasPrefix("#") } ?? ""
    if first.prefixMatch(of: #/[A-Za-z_]\w*\s*=/#) != nil || first.hasPrefix("\"\"\"") {
      syntax = .python
      let source = URL(filePath: path).lastPathComponent
      do {
        let literals = try PythonLiterals(text, source: source)
        (root, variables) = (literals.root, literals.referenced)
      } catch {
        throw ImportError.unreadable(path: path, line: error.line, reason: error.reason)
      }
      return
    }
    // JSON is read as the YAML that it is.
    syntax = first.hasPrefix("{") ? .json : .yaml
    let diagnostics = Diagnostics()
    let read = YAMLReader.read(
      text.replacing("\t", with: "  "), source: path, directory: ".", diagnostics: diagnostics)
    guard let read, !diagnostics.hasErrors, case .map = read.value else {
      let found = diagnostics.errors.map(\.description).joined(separator: "\n")
      throw ImportError.unreadable(
        path: path, line: nil, reason: found.isEmpty ? "it is no map of settings" : found)
    }
    root = read.withPythonScalars
  }
}

extension Located {
  /// The value with `True`, `yes` and the like as booleans, as Python's YAML reads them.
  fileprivate var withPythonScalars: Located {
    switch value {
    case .text("True"), .text("TRUE"), .text("yes"), .text("Yes"), .text("on"):
      Located(.boolean(true), at: location, path: path)
    case .text("False"), .text("FALSE"), .text("no"), .text("No"), .text("off"):
      Located(.boolean(false), at: location, path: path)
    case .list(let elements):
      Located(.list(elements.map(\.withPythonScalars)), at: location, path: path)
    case .map(let entries):
      Located(
        .map(
          entries.map {
            Entry(key: $0.key, keyLocation: $0.keyLocation, value: $0.value.withPythonScalars)
          }), at: location, path: path)
    default: self
    }
  }
}

/// Why a configuration cannot be translated.
package enum ImportError: ExitCoded, CustomStringConvertible {
  case unreadable(path: String, line: Int?, reason: String)
  case formatUnknown(path: String, keys: [String], known: [String])
  /// Keys that change the result have no counterpart.
  case incomplete(path: String, keys: [String])

  package var exitCode: ExitCode { .malformedData }

  package var description: String {
    switch self {
    case .unreadable(let path, let line, let reason):
      "\(path)\(line.map { ":\($0)" } ?? ""): it cannot be read as a configuration: \(reason)"
    case .formatUnknown(let path, let keys, let known):
      "\(path): no known program's configuration has these keys: "
        + "\(keys.prefix(8).joined(separator: ", ")). Name the program with --from "
        + known.joined(separator: "|")
    case .incomplete(let path, let keys):
      "\(path): \(keys.count) \(keys.count == 1 ? "key" : "keys") without a counterpart would "
        + "change the result: \(keys.joined(separator: ", ")). Pass --partial to write the rest as a "
        + "recipe, which lists them"
    }
  }
}
