import Foundation
import Recipes
import Testing

@Suite("Data set cards")
struct CardTests {
  static let burgers = """
    card: 1
    name: burgers
    title: Burgers
    summary: Solutions of the Burgers equation.
    tasks: [pde]
    license: {text: CC BY 4.0, url: "https://example.org/license"}
    data:
      format: pdebench
      inputs: {state: {fields: [u], unit: m/s}}
      split: {method: trajectory, fractions: [0.8, 0.1, 0.1]}
    files:
      - {path: a/u.hdf5, url: "https://example.org/u.hdf5", bytes: 12, md5: 0123456789abcdef0123456789ABCDEF}
    """

  static let scene = """
    card: 1
    name: scene
    title: Scene
    summary: A scene.
    tasks: [pixel-classification]
    license: {text: none stated}
    data:
      format: hyperspectral-scene
      inputs:
        image: {path: a.mat, bands: [0, 1, 2], scale: 1e-4, wavelengths: {linear: [400, 900]}}
        other: {path: b.mat}
      target: {path: gt.mat, class_names: [one, two, three], label_map: {1: 0, 2: 1, 3: 2}}
      patch: {size: 9}
      split: {method: per_class_count, train: 10}
    terms: {text: Ask them., url: "https://example.org", place: Put a.mat here.}
    """

  /// A recipe with this data section over the cards above.
  private func load(
    _ data: String, cards: [String: String] = ["burgers": burgers, "scene": scene]
  ) throws -> Loaded {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/cards", withIntermediateDirectories: true)
      for (name, text) in cards {
        try text.write(toFile: "\(folder)/cards/\(name).yaml", atomically: true, encoding: .utf8)
      }
      let recipe = minimalRecipe.replacing(
        "  format: pdebench\n  split: {method: trajectory, fractions: [0.8, 0.1, 0.1]}",
        with: data.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
      let diagnostics = Diagnostics()
      let loaded = try RecipeLoader(environment: [:], cardDirectory: folder + "/cards")
        .load(text: recipe, source: "recipe.yaml", directory: folder, diagnostics)
      return Loaded(recipe: loaded, diagnostics: diagnostics)
    }
  }

  @Test("a card's text is read with all its fields")
  func reading() throws {
    let diagnostics = Diagnostics()
    let card = try #require(
      DataCard.read(Self.burgers, source: "cards/burgers.yaml", diagnostics))
    #expect(card.name == "burgers" && card.tasks == ["pde"])
    #expect(card.license.text == "CC BY 4.0")
    #expect(card.license.address == "https://example.org/license")
    let file = try #require(card.files.first)
    #expect(file.path == "a/u.hdf5" && file.bytes == 12 && !file.isUnpacked)
    #expect(file.digest?.description == "md5:0123456789abcdef0123456789abcdef")
    #expect(card.isFetchable && card.totalBytes == 12)
    #expect(card.sha256 == SHA256Digest.of(Self.burgers))
    let asked = try #require(DataCard.read(Self.scene, source: "scene.yaml", diagnostics))
    #expect(!asked.isFetchable && asked.totalBytes == nil)
  }

  @Test("a recipe takes what it leaves out from its card, and keeps a note of it")
  func defaults() throws {
    let loaded = try load("card: burgers\ninputs: {state: {unit: none}}")
    #expect(loaded.messages == [])
    let data = loaded.recipe.data
    #expect(data.format.name == "pdebench" && data.split.method.name == "trajectory")
    #expect(data.inputs.first?.unit == "none")
    #expect(data.inputs.first?.fields?.map(\.name) == ["u"])
    let note = try #require(data.card)
    #expect(note.name == "burgers" && note.license == "CC BY 4.0")
    #expect(note.sha256 == SHA256Digest.of(Self.burgers))
    let resolved = loaded.recipe.resolved(by: loaded.diagnostics)
    #expect(resolved.value["data"]?["card"]?["name"] == "burgers")

    // Read back, it needs the card no more, and is the same.
    let again = Diagnostics()
    let recipe = try RecipeLoader(environment: [:]).load(
      text: resolved.yaml, source: "resolved.yaml", directory: "/runs", again)
    #expect(!again.hasErrors, "\(Loaded.messages(of: again))")
    #expect(recipe.data.card == note)
    #expect(recipe.resolved(by: again) == resolved)
  }

  @Test("a run's digest is that of the fields, whether or not a card gave them")
  func digest() throws {
    let byCard = try load("card: burgers\nroot: /data")
    let written = try load(
      """
      root: /data
      format: pdebench
      inputs: {state: {fields: [u], unit: m/s}}
      split: {method: trajectory, fractions: [0.8, 0.1, 0.1]}
      """)
    func digest(_ loaded: Loaded) -> String {
      loaded.recipe.resolved(by: loaded.diagnostics).digest { _, path in path }
    }
    #expect(digest(byCard) == digest(written))
  }

  @Test("inputs that the recipe names are all there are, each field over the card's")
  func inputs() throws {
    let loaded = try load("card: scene\ninputs: {image: {bands: [2], wavelengths: [700]}}")
    #expect(loaded.messages == [])
    let input = try #require(loaded.recipe.data.inputs.first)
    #expect(loaded.recipe.data.inputs.count == 1)
    #expect(input.bands == [.index(2)] && input.wavelengths == .values([700]))
    #expect(input.scale == 1e-4 && input.source == .files("a.mat"))
    let whole = try load("card: scene\ninputs: {other: }")
    #expect(whole.recipe.data.inputs.map(\.source) == [.files("b.mat")])
  }

  @Test("a split of another method, or a map of labels, is not mixed with the card's")
  func others() throws {
    let loaded = try load(
      """
      card: scene
      target: {label_map: {1: 0, 2: 0}, class_names: [all]}
      patch: {padding: mirror}
      split: {method: spatial_block, fractions: [0.5, 0.2, 0.3], block: 18}
      """)
    #expect(loaded.messages == [])
    let data = loaded.recipe.data
    #expect(data.split.method.options.fields.map(\.key).sorted() == ["block", "fractions"])
    #expect(data.target.labelMap?.map(\.value) == ["1", "2"])
    #expect(data.target.classNames == ["all"] && data.target.source == .files("gt.mat"))
    #expect(data.patch?.size == 9 && data.patch?.padding == .mirror)
    let seeded = try load("card: scene\nsplit: {seed: 7}")
    #expect(seeded.recipe.data.split.method.name == "per_class_count")
    #expect(seeded.recipe.data.split.seed == 7)
    let column = try load("card: scene\ntarget: {column: height}")
    #expect(column.recipe.data.target.classNames == nil)
  }

  @Test("a field of the only input stands over the card's, directly under data too")
  func moved() throws {
    let loaded = try load("card: burgers\nunit: none\nclass_names: [a]")
    #expect(loaded.messages == [])
    #expect(loaded.recipe.data.inputs.first?.unit == "none")
    #expect(loaded.recipe.data.inputs.first?.fields?.map(\.name) == ["u"])
    #expect(loaded.recipe.data.target.classNames == ["a"])
  }

  @Test("each source has its own card")
  func sources() throws {
    let loaded = try load(
      """
      batch_size: 4
      sources:
        - {name: first, card: burgers}
        - {name: second, card: burgers, inputs: {state: {fields: [w]}}}
      """)
    #expect(loaded.messages == [])
    let fields = loaded.recipe.sources.map { $0.data.inputs[0].fields?.map(\.name) }
    #expect(fields == [["u"], ["w"]])
    #expect(loaded.recipe.sources.allSatisfy { $0.data.card?.name == "burgers" })
    #expect(loaded.recipe.sources.allSatisfy { $0.data.batchSize == 4 })
  }

  @Test("what a card says wrong is reported at its place in the card")
  func places() throws {
    let wrong = Self.burgers.replacing("fields: [u]", with: "fields: [u], scale: much")
    let messages = refusal("card: burgers", cards: ["burgers": wrong])
    #expect(messages.count == 1)
    #expect(messages.first?.contains("/cards/burgers.yaml:9:40: data.inputs.state.scale:") == true)
    #expect(messages.first?.contains("expected a number, found \"much\"") == true)
    let unknown = refusal("card: burger")
    #expect(
      unknown == [
        "recipe.yaml:11:9: data.card: no data set card is called burger; did you mean burgers? "
          + "known: burgers, scene"
      ])
    let missing = refusal("card: ./burger.yaml")
    #expect(missing.first?.contains("burger.yaml: no such file") == true)
  }

  /// Messages of a recipe whose card cannot be read.
  private func refusal(
    _ data: String, cards: [String: String] = ["burgers": burgers, "scene": scene]
  ) -> [String] {
    do {
      return try load(data, cards: cards).messages
    } catch {
      return "\(error)".split(separator: "\n").map(String.init)
    }
  }

  @Test(
    "a card that would mislead is refused",
    arguments: [
      ("card: 1", "card: 2", "cards of form 2 are not known"),
      ("name: burgers", "name: burger", "the file is called burgers"),
      ("title: Burgers", "titel: Burgers", "unknown key; did you mean title?"),
      ("format: pdebench", "root: /data", "data.root: unknown key"),
      ("format: pdebench", "batch_size: 3", "data.batch_size: unknown key"),
      ("a/u.hdf5", "../u.hdf5", "leads out of the data set's folder"),
      ("a/u.hdf5", "/u.hdf5", "leads out of the data set's folder"),
      ("a/u.hdf5", "a//u.hdf5", "leads out of the data set's folder"),
      ("a/u.hdf5", "'a\\u.hdf5'", "leads out of the data set's folder"),
      ("https://example.org/u", "ftp://example.org/u", "no address of a file"),
      ("https://example.org/u", "file:u", "no address of a file"),
      (", url: \"https://example.org/u.hdf5\"", "", "has no address"),
      ("ABCDEF}", "AB}", "expected 32 hex digits"),
      ("bytes: 12", "bytes: -1", "expected a number >= 0"),
      ("license: {text: CC BY 4.0, ", "license: {", "license.text: required key is missing"),
    ])
  func refusals(line: String, other: String, message: String) {
    let diagnostics = Diagnostics()
    let text = Self.burgers.replacing(line, with: other)
    #expect(text != Self.burgers)
    #expect(DataCard.read(text, source: "burgers.yaml", diagnostics) == nil)
    let messages = Loaded.messages(of: diagnostics)
    #expect(messages.contains { $0.contains(message) }, "\(messages)")
  }

  @Test("statistics need one number for each channel")
  func statistics() {
    let diagnostics = Diagnostics()
    let text =
      Self.burgers
      + "\nstatistics: [{input: state, channels: [u], means: [0, 1], stds: [1], source: us}]\n"
    #expect(DataCard.read(text, source: "burgers.yaml", diagnostics) == nil)
    #expect(
      Loaded.messages(of: diagnostics).first?.contains(
        "statistics.0.means: expected 1 values, found 2") == true)
  }

  @Test("a copied recipe still leads to a card that is a file")
  func copy() throws {
    try withTemporaryFolder { folder in
      let recipe = minimalRecipe.replacing("  format: pdebench", with: "  card: ./burgers.yaml")
      try recipe.write(toFile: folder + "/recipe.yaml", atomically: true, encoding: .utf8)
      try Self.burgers.write(toFile: folder + "/burgers.yaml", atomically: true, encoding: .utf8)
      let text = try RecipeLoader().copy(
        of: folder + "/recipe.yaml", for: folder + "/below/copy.yaml")
      #expect(text.contains("card: ../burgers.yaml"))
    }
  }

  @Test("digests of files are those of their algorithm")
  func fileDigests() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/abc"
      try "abc".write(toFile: path, atomically: true, encoding: .utf8)
      #expect(
        try FileDigest(ofFile: path, .md5).hex == "900150983cd24fb0d6963f7d28e17f72")
      #expect(try FileDigest(ofFile: path, .sha256).hex == SHA256Digest.of("abc"))
      #expect(FileDigest(.md5, "xyz") == nil)
    }
  }
}
