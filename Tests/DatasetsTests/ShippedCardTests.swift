import Datasets
import Foundation
import Recipes
import TestSupport
import Testing

/// The cards in `datasets/`.
@Suite("Shipped cards")
struct ShippedCardTests {
  static let folder = PackageFolder.url("datasets").path
  static let names = RecipeLoader.cardNames(in: folder)

  /// A recipe of nothing but a card, the place of its files and a task.
  static func recipe(
    _ card: String, root: String, task: String, more: String = "", _ diagnostics: Diagnostics
  ) throws -> Recipe {
    let text = """
      version: 1
      name: test
      task: \(task)
      model: {backbone: vit, weights: none}
      train: {epochs: 1, optimizer: {name: adamw, lr: 1e-3}}
      data:
        card: \(card)
        root: \(root)
      \(more)
      """
    return try RecipeLoader(environment: [:], cardDirectory: folder).load(
      text: text, source: "recipe.yaml", diagnostics)
  }

  @Test("each is read, and says what it is and whose", arguments: names)
  func reads(name: String) throws {
    let card = try DataCard(file: "\(Self.folder)/\(name).yaml")
    #expect(card.name == name && !card.tasks.isEmpty)
    #expect(card.summary.hasSuffix(".") && card.summary.count > 20)
    #expect(!card.license.text.isEmpty)
    #expect(
      !card.files.isEmpty || card.terms != nil || !card.notes.isEmpty, "no way to its files")
  }

  @Test("there is one for every data set of the list")
  func complete() {
    let expected = [
      "bigearthnet", "bsd68", "cbsd68", "chase-db1", "cifar-10", "dfc2020", "drive",
      "enmap-potsdam",
      "eurosat", "hydice-urban", "indian-pines", "isbi-2012", "jasper-ridge", "kodak24", "m3leo",
      "marida", "pavia-university", "pdebench-advection", "pdebench-burgers", "pdebench-cfd-1d",
      "pdebench-cfd-2d", "pdebench-cfd-3d", "pdebench-darcy", "pdebench-diffusion-reaction-2d",
      "pdebench-diffusion-sorption", "pdebench-incompressible-2d", "pdebench-reaction-diffusion-1d",
      "pdebench-shallow-water", "salinas", "salinas-a", "segmunich", "sen1floods11", "set12",
      "set14",
      "set5", "so2sat", "spacenet-buildings", "the-well-gray-scott", "the-well-mhd-64",
      "the-well-turbulence-gravity-cooling", "vtab-1k", "whu-hi-hanchuan", "whu-hi-honghu",
      "whu-hi-longkou",
    ]
    #expect(Set(expected).subtracting(Self.names).isEmpty)
  }

  @Test("its defaults are a data section that its reader takes", arguments: names)
  func defaults(name: String) throws {
    let card = try DataCard(file: "\(Self.folder)/\(name).yaml")
    guard card.data != nil else { return }
    let task = card.tasks[0]
    let diagnostics = Diagnostics()
    let degrade =
      task == "restoration" ? "  degrade: {list: [{name: gaussian-noise, sigma: 25}]}" : ""
    let recipe = try Self.recipe(name, root: "/nowhere", task: task, more: degrade, diagnostics)
    #expect(!diagnostics.hasErrors, "\(diagnostics.errors.map(\.description))")
    #expect(recipe.data.card == card.note)
    // Formats that this program does not read yet have nobody to ask.
    guard let format = dataFormats[recipe.data.format.name] else { return }
    let target = try #require(Self.targets[task])
    _ = format.plan(recipe.data, target: target, diagnostics)
    #expect(!diagnostics.hasErrors, "\(diagnostics.errors.map(\.description))")
  }

  private static let targets: [String: TargetKind] = [
    "classification": .label, "multilabel": .labels, "pixel-classification": .label,
    "segmentation": .classMap, "regression": .values, "pixel-regression": .valueMap,
    "proportions": .shares, "restoration": .image, "pde": .frames, "pretrain-mae": .none,
  ]

  /// Data that lie beside the package.
  struct Present: Sendable, CustomTestStringConvertible {
    let card: String
    let folder: String
    /// What is added to `data`: what is a run's, or tells files apart that lie in one folder.
    var more = ""

    init(_ card: String, _ folder: String, _ more: String = "") {
      self.card = card
      self.folder = folder
      self.more = more
    }
    var testDescription: String { card }
  }

  private static let noise = "  degrade: {list: [{name: gaussian-noise, sigma: 25}]}"
  static let present = [
    Present("enmap-potsdam", "hyperspectral/enmap_potsdam"),
    Present("hydice-urban", "hyperspectral/hydice_urban"),
    Present("sen1floods11", "remote_sensing/sen1floods11"),
    Present("spacenet-buildings", "remote_sensing/spacenet_buildings"),
    Present("eolearn-lulc", "remote_sensing/eolearn_lulc"),
    Present("cifar-10", "classification/cifar10"), Present("mnist", "classification/mnist"),
    Present("chase-db1", "medical/chase_db1"), Present("isbi-2012", "medical/isbi2012_em"),
    Present("bsd68", "restoration/BSD68", noise), Present("cbsd68", "restoration/CBSD68", noise),
    Present("set12", "restoration/Set12", noise), Present("kodak24", "restoration/Kodak24", noise),
    Present("set5", "restoration/Set5", noise),
    Present("pdebench-advection", "pde"), Present("pdebench-burgers", "pde"),
    Present("pdebench-reaction-diffusion-1d", "pde"), Present("pdebench-cfd-1d", "pde"),
    Present("pdebench-diffusion-reaction-2d", "pde"), Present("pdebench-shallow-water", "pde"),
  ]

  @Test(
    "a card, a root and a task are enough to open data that are there",
    .enabled(if: Shared.isPresent, "../shared is absent"), arguments: present)
  func opens(_ data: Present) throws {
    let card = try DataCard(file: "\(Self.folder)/\(data.card).yaml")
    let diagnostics = Diagnostics()
    let recipe = try Self.recipe(
      data.card, root: Shared.path("data/" + data.folder), task: card.tasks[0], more: data.more,
      diagnostics)
    try diagnostics.throwErrors()
    let format = try #require(dataFormats[recipe.data.format.name])
    let target = try #require(Self.targets[card.tasks[0]])
    let plan = format.plan(recipe.data, target: target, diagnostics)
    diagnostics.refuseUnread()
    let unread = diagnostics.errors.filter { $0.path.hasPrefix("data.") }.map(\.description)
    #expect(unread.isEmpty, "\(unread)")
    let set = try #require(plan).open(seed: 1)
    let train = try #require(set.samples(.train, augmented: false))
    let sample = try train.sample(0, epoch: 0)
    #expect(!sample.isEmpty && set.samples(.test, augmented: false) != nil)
  }
}
