import ArgumentParser
import Attune

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List what recipes can name, or their fields.")

  @Argument(help: "What is listed.")
  var listing: Listing

  @Flag(help: "With fields: print the JSON Schema of a recipe.")
  var schema = false

  @Flag(help: .hidden)
  var markdown = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !schema && !markdown || listing == .fields else {
      throw ValidationError("--schema and --markdown belong to `attune list fields`.")
    }
  }

  func run() throws {
    if markdown { return Console.print(fieldReference()) }
    if schema { return Console.print(recipeSchema()) }
    if listing == .fields { return try printFields(listedFields()) }
    let names = try listedNames(listing)
    if listing == .datasets, output.json {
      return try Console.print(json: Datasets(formats: names, cards: listedCards()))
    }
    if listing == .adapters, output.json { return try Console.print(json: listedAdapters()) }
    if output.json { return try Console.print(json: names) }
    let width = (names.map(\.name.count).max() ?? 0) + 2
    for name in names {
      let mark = name.isExperimental ? "experimental: " : ""
      Console.print(columns(name.name, mark + name.summary, indent: min(width, 28)))
    }
    if listing == .datasets { try printCards(listedCards()) }
  }

  /// What `list datasets --json` prints.
  private struct Datasets: Encodable {
    let formats: [ListedName]
    let cards: [ListedCard]
  }

  private func printCards(_ cards: [ListedCard]) {
    guard !cards.isEmpty else { return }
    Console.print("\nCards, for data.card of a recipe (* attune data fetch downloads it):\n")
    let width = (cards.map(\.name.count).max() ?? 0) + 3
    for card in cards {
      let facts = [card.size, card.license, card.isReadable ? nil : "no recipe defaults"]
      Console.print(
        columns(
          card.name + (card.isFetchable ? "*" : ""),
          "\(card.title) (\(facts.compactMap { $0 }.joined(separator: "; ")))",
          indent: min(width, 28)))
    }
  }

  private func printFields(_ fields: [ListedField]) throws {
    if output.json { return try Console.print(json: fields) }
    for field in fields {
      Console.print(columns(field.name, "(\(field.type))", indent: field.name.count + 1))
      let standard =
        switch field.standard {
        case "—": ""
        case "required": " Required."
        default: " Default: \(field.standard)."
        }
      let others =
        field.aliases.isEmpty ? "" : " Also: \(field.aliases.joined(separator: ", "))."
      Console.print(columns("", field.meaning + "." + standard + others, indent: 4))
    }
  }
}

extension Listing: ExpressibleByArgument {}
