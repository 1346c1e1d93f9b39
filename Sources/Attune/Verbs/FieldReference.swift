import Recipes
import Tasks

/// The page docs/recipe-fields.md: every field of a recipe and the options of every component, from
/// their tables.
package func fieldReference() -> String {
  let sections = RecipeTable.single.options.compactMap { option -> String? in
    guard let table = option.type.innerTable?.table else { return nil }
    return section(option.name, option.sentence, table)
  }
  let head = """
    # Fields of a recipe

    Made by `attune list fields --markdown > docs/recipe-fields.md`; a test says when it is out of date.
    A component is its name, or a map of `name` (an adapter's `method`) and the options listed below.
    `attune list fields --schema` prints the same as a JSON Schema for editors.

    ## The recipe

    """
  let components = componentsByKind().sorted { $0.key < $1.key }.map { kind, entries in
    "## Components: \(kind)\n\n"
      + entries.sorted { $0.name < $1.name }.map(text).joined(separator: "\n")
  }
  let metrics =
    "## Metrics\n\n| name | formula | better |\n| --- | --- | --- |\n"
    + Metrics.all.map { metric in
      "| `\(metric.name)` | \(metric.formula.replacing("|", with: "\\|")) | "
        + "\(metric.lowerIsBetter ? "less" : "more") |\n"
    }.joined()
  let pieces =
    [head + rows(RecipeTable.single)] + sections + components + [metrics]
  return pieces.joined(separator: "\n").trimmingSuffix(while: \.isNewline)
}

private func section(_ name: String, _ sentence: String, _ table: OptionTable) -> String {
  let inner = table.options.compactMap { option -> String? in
    guard let own = option.type.innerTable?.table, !own.options.isEmpty else { return nil }
    return "### `\(name).\(option.name)`\n\n" + rows(own)
  }
  return (["## `\(name)`\n\n\(sentence)\n\n" + rows(table)] + inner).joined(separator: "\n")
}

private func text(of component: JSONSchema.Component) -> String {
  let aliases = component.aliases.map { "`\($0)`" }.joined(separator: ", ")
  let head =
    "### `\(component.name)`\n\n\(component.summary)"
    + (aliases.isEmpty ? "" : " (also \(aliases))") + "\n"
  return component.options.options.isEmpty ? head : head + "\n" + rows(component.options)
}

private func rows(_ table: OptionTable) -> String {
  "| field | type | default | meaning | also |\n| --- | --- | --- | --- | --- |\n"
    + table.markdownRows.map { $0 + "\n" }.joined()
}

extension StringProtocol {
  fileprivate func trimmingSuffix(while isCut: (Character) -> Bool) -> String {
    var text = String(self)
    while let last = text.last, isCut(last) { text.removeLast() }
    return text
  }
}
