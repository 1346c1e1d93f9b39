extension RecipeLoader {
  /// A recipe file as it is written, without bases, aliases and defaults; nil where it is no YAML.
  package static func tree(of file: String) -> PlainValue? { located(file)?.plain }

  /// Absolute paths of the files that a recipe names under `base`, itself left out; empty where it
  /// cannot be read.
  package static func bases(of file: String) -> [String] {
    guard let base = located(file)?["base"] else { return [] }
    return (base.asText == nil ? base.elements : [base]).compactMap { name in
      name.asText.map { FilePath.absolute($0, relativeTo: FilePath.directory(of: file)) }
    }
  }

  private static func located(_ file: String) -> Located? {
    guard let text = try? text(of: file) else { return nil }
    return YAMLReader.read(
      text, source: file, directory: FilePath.directory(of: file), diagnostics: Diagnostics())
  }
}
