import Attune
import Foundation
import Recipes
import TestSupport
import Testing

@Suite("The reference of fields")
struct FieldReferenceTests {
  @Test("docs/recipe-fields.md is what the tables say")
  func page() throws {
    let package = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(
      contentsOf: package.appending(path: "docs/recipe-fields.md"), encoding: .utf8)
    #expect(
      page.trimmingCharacters(in: .newlines) == fieldReference(),
      "run `attune list fields --markdown > docs/recipe-fields.md`")
  }

  @Test("the schema has the options of every component, and refuses others' options")
  func schema() throws {
    let json = try JSONSerialization.jsonObject(with: Data(recipeSchema().utf8))
    let root = try #require(json as? [String: Any])
    let definitions = try #require(root["$defs"] as? [String: Any])
    for kind in [
      "backbone", "adapter method", "decoder", "neck", "data format", "transform", "degradation",
      "loss", "optimizer", "learning rate schedule", "adapter init",
    ] {
      #expect(definitions[kind] != nil, "\(kind)")
    }
    let text = recipeSchema()
    #expect(
      text.contains(#""loraplus_lr_ratio""#) && text.contains(#""unevaluatedProperties":false"#))
    #expect(text.contains(#""VRMSE""#))
  }
}

@Suite("Shipped recipes, without their data")
struct ShippedRecipeTests {
  /// Every recipe that ships, but those that others are based on, and those that name adapters which
  /// other recipes make first.
  static let whole = ((try? ShippedRecipes().all.map(\.name)) ?? []).filter { name in
    ![
      "pde/quickstart/model", "pde/quickstart/adapt", "pde/adapters/morph-arm", "gallery/pictures",
      "gallery/scene", "restoration/adapt/restoration-arm", "medical/adapt/medical-arm",
      "images/adapt/images-arm", "transfer/transfer-arm", "tournament/tasks/membranes",
      "tournament/tasks/pde", "tournament/membranes-composition", "tournament/pde-composition",
      "tournament/membranes-experimental", "tournament/pde-experimental",
    ].contains(name)
  }

  @Test("there are some")
  func some() { #expect(Self.whole.count >= 15, "\(Self.whole)") }

  @Test("each is valid as far as that can be told without files", arguments: whole)
  func valid(name: String) throws {
    let package = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = package.appending(path: "recipes/\(name).yaml").path
    let found = validation(
      of: path, overrides: ["data.root=/no/such/folder"], withoutFiles: true)
    #expect(found.isValid, "\(found.errors)")
    // One of several sources has a root of its own.
    #expect(found.absentFiles.first == "/no/such/folder" || name == "pde/quickstart/pretrain")
    // The model was built, patterns and all; not where ranks come from the training part.
    let needsData = name == "restoration/adapt/restoration-colora"
    #expect((found.totalParameters == nil) == needsData)
  }

  @Test("an error of the recipe, of the data and of the model are found together")
  func together() throws {
    let scene = try TaskScene(8)
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.5, 0.25, 0.25]}
        """)
    try Data("no picture".utf8).write(
      to: URL(filePath: scene.folder.path("class/bright/p2.png")))
    let found = validation(
      of: recipe,
      overrides: ["train.nonsense=3", "model.weights=\(scene.folder.path("absent.safetensors"))"])
    #expect(!found.isValid && found.exitCode == ExitCode.invalidRecipe.rawValue)
    for text in ["nonsense", "p2.png", "absent.safetensors"] {
      #expect(found.errors.contains { $0.contains(text) }, "\(text) among \(found.errors)")
    }
  }

  @Test("time and memory of a valid recipe")
  func estimates() throws {
    let scene = try TaskScene(16)
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.5, 0.25, 0.25]}
        """)
    let found = validation(of: recipe)
    let time = try #require(found.time)
    #expect(time.step > 0 && time.training > 0 && time.evaluation > 0)
    #expect(abs(time.training / time.step - Double(60)) < 1, "60 steps of whole batches")
    let memory = try #require(found.memory)
    #expect(memory.weights > 0 && memory.peak > memory.weights)
  }
}
