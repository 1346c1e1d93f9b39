import Datasets
import Foundation
package import Recipes

/// The data set cards that come with the program, in the folder `datasets` of its package or where
/// `ATTUNE_DATASETS` points.
package struct ShippedCards {
  /// Sorted by name.
  package let all: [DataCard]

  /// The folder; nil where none is found.
  package static func folder(
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String? {
    ShippedFolder.find("datasets", variable: "ATTUNE_DATASETS", environment: environment)
  }

  /// - Throws: `CommandLineError` where no folder is found, `RecipeError` for a card with errors.
  package init(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    let folder = try Self.requiredFolder(environment)
    all = try RecipeLoader.cardNames(in: folder).map { try DataCard(file: "\(folder)/\($0).yaml") }
  }

  /// The card of that name, or that a path leads to.
  ///
  /// - Throws: `CommandLineError` for an unknown name, `RecipeError` for a file that is missing or wrong.
  package static func card(
    _ reference: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> DataCard {
    if RecipeLoader.isCardFile(reference) { return try DataCard(file: reference) }
    let folder = try requiredFolder(environment)
    let names = RecipeLoader.cardNames(in: folder)
    guard names.contains(reference) else {
      let near = NearestName.of(reference, among: names).map { " Did you mean \($0)?" } ?? ""
      throw CommandLineError(
        description: "\(reference): no data set card is called so.\(near) "
          + "`attune list datasets` names them; a file is given with its path")
    }
    return try DataCard(file: "\(folder)/\(reference).yaml")
  }

  private static func requiredFolder(_ environment: [String: String]) throws -> String {
    guard let folder = folder(environment) else {
      throw CommandLineError(
        description:
          "no folder of data set cards found above \(ShippedFolder.executable.path). Set "
          + "ATTUNE_DATASETS to the folder `datasets` of the package")
    }
    return folder
  }
}

/// A data set card in a listing.
package struct ListedCard: Codable, Sendable, Equatable {
  package var name: String
  package var title: String
  package var summary: String
  package var tasks: [String]
  package var license: String
  /// Bytes of all files, where the card knows each.
  package var bytes: Int?
  /// In words; nil where nothing is known.
  package var size: String?
  /// Whether `data fetch` downloads it.
  package var isFetchable: Bool
  /// Whether it has defaults for a recipe's `data`.
  package var isReadable: Bool

  private enum CodingKeys: String, CodingKey {
    case name, title, summary, tasks, license, bytes, size
    case isFetchable = "fetch"
    case isReadable = "recipe_defaults"
  }

  init(_ card: DataCard) {
    name = card.name
    title = card.title
    summary = card.summary
    tasks = card.tasks
    license = card.license.text
    bytes = card.totalBytes
    size = card.size ?? card.totalBytes.map(ByteCount.short)
    isFetchable = card.isFetchable
    isReadable = card.data != nil
  }
}

/// All shipped cards; empty where the program lies apart from its package.
package func listedCards() throws -> [ListedCard] {
  guard ShippedCards.folder() != nil else { return [] }
  return try ShippedCards().all.map(ListedCard.init)
}
