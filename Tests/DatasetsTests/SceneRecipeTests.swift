import Datasets
import Formats
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Scenes from a recipe", .enabled(if: Shared.isPresent, "../shared is absent"))
struct SceneRecipeTests {
  /// The example of the conventions; keys are replaced by `changes`.
  private static let potsdam = """
    format: hyperspectral-scene
    root: \(Shared.path("data/hyperspectral/enmap_potsdam"))
    inputs:
      image:
        path: EnMAP_Potsdam.mat
        variable: enmap_potsdam
        wavelengths: {variable: wavelength_nm}
        unit: reflectance
        scale: 1e-4
        no_data: -32768
        normalize: per-patch
        reduce: {method: pca, components: 15, whiten: true, fit_on: train}
    target:
      path: EnMAP_Potsdam_gt.mat
      variable: enmap_potsdam_gt
      unlabelled: 0
      class_names: [roof, pavement, low vegetation, tree, soil, water]
    patch: {size: 9, padding: zero}
    split: {method: spatial_block, fractions: [0.5, 0.2, 0.3], block: 18}
    batch_size: 32
    """

  private func plan(
    _ data: String = Self.potsdam, _ overrides: [String] = [], target: TargetKind = .label
  ) throws -> any DataSetPlan {
    let text = """
      version: 1
      name: test
      task: pixel-classification
      model: {backbone: vit, weights: none}
      train: {epochs: 1, optimizer: {name: adamw, lr: 1e-3}}
      data:

      """
    let folder = try TemporaryDirectory()
    let file = try folder.write(
      text + data.split(separator: "\n").map { "  \($0)\n" }.joined(), to: "recipe.yaml")
    let diagnostics = Diagnostics()
    let recipe = try RecipeLoader().load(
      file: file, overrides: overrides.map { Override($0) }, diagnostics)
    let plan = SceneFormat.plan(recipe.data, target: target, diagnostics)
    try diagnostics.throwErrors()
    diagnostics.refuseUnread()
    let unread = diagnostics.errors.map(\.path).filter { $0.hasPrefix("data.") }
    #expect(unread.isEmpty, "\(unread)")
    return try #require(plan)
  }

  private func image(_ set: any DataSet) throws -> ImageContract {
    guard case .image(let image) = try #require(set.contract["image"]) else {
      throw CancellationError()
    }
    return image
  }

  @Test("a recipe's samples, description and record are those of its scene")
  func potsdam() throws {
    let set = try plan().open(seed: 1)
    let data = try #require(set as? SceneData)
    #expect(set.inputs.map(\.shape) == [[15, 9, 9]])
    #expect(set.inputs[0].bands.first == "component 1")
    #expect(
      set.filePaths.map { ($0 as NSString).lastPathComponent } == [
        "EnMAP_Potsdam.mat", "EnMAP_Potsdam_gt.mat",
      ])
    let target = try #require(set.target)
    #expect(target.kind == .label && target.names[3] == "tree")
    #expect(target.counts == data.partition.counts[.train])
    let train = try #require(set.samples(.train, augmented: true))
    let sample = try train.sample(0, epoch: 0)
    #expect(sample["image"]?.shape == [15, 9, 9] && sample["target"]?.shape == [])
    let contract = try image(set)
    #expect(contract.bands.count == 218 && contract.quantiles.count == 218)
    #expect(contract.wavelengths?.count == 218 && contract.normalization == "per-patch")
    #expect(contract.means.isEmpty && contract.noData == -32768)
    let record = set.record(files: [], testDigest: try set.testDigest())
    #expect(record.splits["test"]?.samples == data.partition.parts[.test]?.count)
    #expect(record.splits["test"]?.unitName == "blocks of 18×18 pixels")
    #expect(record.splitMethod.contains("guard band of 8 pixels"))
    #expect(record.overlaps.first?.hasPrefix("0.0 % of the test pixels") == true)
    #expect(record.inputs[0].normalization.contains("15 principal components of 218 bands"))
    #expect(record.testDigest.count == 64)
  }

  @Test("pixels of a random split are judged in blocks, too") func units() throws {
    let set = try plan(
      Self.potsdam, ["data.split={method: random, fractions: [0.1, 0.1, 0.8]}"]
    ).open(seed: 1)
    let samples = try #require(set.samples(.test, augmented: false))
    let units = Set((0..<samples.count).map { samples.unit($0) })
    #expect(units.count > 5 && units.count <= 30)
    #expect(set.record(files: [], testDigest: "").splitMethod.contains("blocks of 32×32 pixels"))
  }

  @Test("the contract repeats normalization and reduction to the bit, whatever now trains")
  func contract() throws {
    for change in [
      "data.inputs.image.normalize=zscore", "data.inputs.image.normalize=minmax",
      "data.inputs.image.reduce={method: select, bands: [3, 90]}",
    ] {
      let set = try plan(Self.potsdam, [change]).open(seed: 1)
      let stored = try JSONEncoder().encode(image(set))
      let known = try JSONDecoder().decode(ImageContract.self, from: stored)
      #expect(try known == image(set))
      // Other training pixels would give other numbers.
      let other = ["data.split={method: stratified, fractions: [0.05, 0.05, 0.9]}"]
      let again = try plan(Self.potsdam, [change] + other)
      let fitted = try again.open(seed: 1)
      let repeated = try again.normalizing(by: ["image": .image(known)], target: set.target)
        .open(seed: 1)
      #expect(repeated.target == set.target)
      let first = try #require(set.samples(.train, augmented: false))
      let place = first.identifier(0)
      func patch(_ set: any DataSet) throws -> [Float] {
        for part in SplitPart.allCases {
          guard let samples = set.samples(part, augmented: false) else { continue }
          for index in 0..<samples.count where samples.identifier(index) == place {
            return try #require(try samples.sample(index, epoch: 0)["image"])
              .elements(as: Float.self)
          }
        }
        return []
      }
      let expected = try patch(set)
      #expect(!expected.isEmpty)
      #expect(try patch(repeated) == expected)
      if !change.contains("select") { #expect(try patch(fitted) != expected) }
    }
  }

  @Test("bands are chosen by number with their wavelengths; fields of old contracts are absent")
  func bands() throws {
    let set = try plan(
      Self.potsdam,
      ["data.inputs.image.bands=[200, 5]", "~data.inputs.image.reduce"]
    ).open(seed: 1)
    #expect(set.inputs[0].bands == ["band 200", "band 5"])
    let contract = try image(set)
    let centers = try #require(contract.wavelengths)
    #expect(centers.count == 2 && centers[0] > centers[1])
    #expect(contract.reduction == nil)
    let text = String(decoding: try JSONEncoder().encode(contract), as: UTF8.self)
    #expect(!text.contains("reduction"))
  }

  @Test("wavelengths come from a list in a file, or from an ENVI header") func wavelengthFiles()
    throws
  {
    let folder = try TemporaryDirectory()
    let numbers = (0..<218).map { 420 + 9.5 * Double($0) }
    let list = numbers.map { "\($0)" }
    let files = [
      try folder.write(list.joined(separator: "\n"), to: "list.txt"),
      try folder.write(
        "ENVI\nbands = 218\nwavelength units = Micrometers\nWavelength = {\n "
          + numbers.map { "\($0 / 1000)" }.joined(separator: ",\n ") + "}\nfwhm = {1, 2}\n",
        to: "cube.hdr"),
    ]
    for file in files {
      let set = try plan(Self.potsdam, ["data.inputs.image.wavelengths={file: \(file)}"])
        .open(seed: 1)
      let found = try #require(try image(set).wavelengths)
      #expect(zip(found, numbers).allSatisfy { abs($0 - $1) < 1e-6 } && found.count == 218)
      #expect(set.filePaths.contains(file))
    }
  }

  @Test("a band that lacks at a pixel with others counts nowhere and stands at its mean")
  func partlyMissing() throws {
    let folder = try TemporaryDirectory()
    func raster(_ name: String, _ bands: [[Float]]) throws {
      let writer = try RasterWriter(
        path: folder.path(name),
        layout: RasterLayout(
          width: 4, height: 2, elementType: .float32,
          bands: [String](repeating: "", count: bands.count)))
      try writer.append(bands.flatMap { $0 })
      try writer.commit()
    }
    try raster("cube.tif", [[1, 2, 3, 4, 5, 6, 7, -9], [-9, 20, 30, 40, 50, 60, 70, -9]])
    try raster("labels.tif", [[1, 2, 1, 2, 1, 2, 1, 2]])
    let set = try plan(
      """
      format: hyperspectral-scene
      root: \(folder.path)
      inputs: {image: {path: cube.tif, no_data: -9, missing: all}}
      target: {path: labels.tif}
      patch: {size: 1}
      split: {method: masks, train: {path: labels.tif}}
      """
    ).open(seed: 1)
    let contract = try image(set)
    #expect(contract.means == [4, 45] && contract.minimums == [1, 20])
    let samples = try #require(set.samples(.train, augmented: false))
    #expect(samples.count == 7)
    let first = try #require(try samples.sample(0, epoch: 0)["image"]).elements(as: Float.self)
    #expect(first == [-1.5, 0])
    #expect((set as? SceneData)?.notes.last == "1 labelled pixels have no values and are left out.")
  }

  @Test("labels lie in the cube's file where the recipe names no other") func oneFile() throws {
    let set = try plan(
      """
      format: hyperspectral-scene
      root: \(Shared.path("data/hyperspectral/hydice_urban"))
      inputs: {image: {path: HYDICE.mat, reduce: {method: pca, components: 4}}}
      target: {unlabelled: -1, class_names: [background, vehicle]}
      patch: {size: 3, padding: mirror}
      split: {method: stratified, fractions: [0.5, 0.2, 0.3]}
      """
    ).open(seed: 1)
    #expect(set.target?.counts.reduce(0, +) == 4000)
    #expect(set.filePaths.count == 1)
    #expect(try image(set).normalization == "zscore")
  }

  @Test("label images give the parts") func masks() throws {
    let gt = "{path: EnMAP_Potsdam_gt.mat, variable: enmap_potsdam_gt}"
    let set = try plan(
      Self.potsdam, ["data.split={method: masks, train: \(gt), val: 0.25}"]
    ).open(seed: 1)
    let train = try #require(set.samples(.train, augmented: false))
    let validation = try #require(set.samples(.val, augmented: false))
    #expect(train.count + validation.count == 3806 && validation.count == 951)
    #expect(set.samples(.test, augmented: false) == nil)
    #expect(try set.testDigest().isEmpty)
  }

  @Test(
    "what means nothing for a scene is refused with the key",
    arguments: [
      ("data.inputs.image.component=x", "data.inputs.image"),
      ("~data.inputs.image.path", "data.inputs.image.path"),
      ("data.inputs.image.fields=[a]", "data.inputs.image.fields"),
      ("data.inputs.image.dataset_bands=[a]", "dataset_bands"),
      ("data.inputs.image.no_data_replace=4", "no_data_replace"),
      ("data.inputs.image.normalize=per-window", "data.inputs.image.normalize"),
      ("data.inputs.image.stats={means: [1], stds: [1]}", "data.inputs.image.stats"),
      ("data.inputs.image.reduce={method: pca}", "components: NUMBER"),
      ("data.inputs.image.reduce={method: select, components: 3}", "bands: [NAME"),
      ("data.inputs.other={path: x.mat}", "a scene is one input, found 2"),
      ("~data.patch", "data.patch"),
      ("data.patch={size: 8}", "even side 8"), ("data.patch={size: 1}", "single pixel"),
      ("data.patch={size: 9, stride: 3}", "data.patch.stride"),
      ("data.target.column=a", "data.target.column"),
      ("data.target.resize=4", "data.target.resize"),
      ("data.target.ignore_index=2", "is a class (low vegetation)"),
      ("data.target.class_names=[a, a, b, c, d, e]", "stands twice"),
      ("data.transforms=[{name: random-crop, size: 5}]", "random-crop"),
      ("data.degrade={list: [{name: gaussian-noise, sigma: 25}]}", "data.degrade"),
      ("data.split={method: trajectory, fractions: [0.5, 0.2, 0.3]}", "spatial_block"),
      ("data.split={method: random, fractions: [0.5, 0.2, 0.3], block: 8}", "block"),
      ("data.n_steps_input=2", "data.n_steps_input"), ("data.cache=disk", "data.cache"),
    ])
  func refusals(override: String, text: String) {
    var message = ""
    do { _ = try plan(Self.potsdam, [override]) } catch { message = "\(error)" }
    #expect(message.contains(text), "\(message)")
  }

  @Test(
    "what the files do not give is refused on opening",
    arguments: [
      ("data.inputs.image.bands=[218]", "band '218' not found"),
      ("data.inputs.image.bands=[red]", "band 'red' not found"),
      ("data.inputs.image.wavelengths=[400, 500]", "data.inputs.image.wavelengths is 2 numbers"),
      ("data.split={method: random, fractions: [0.5, 0.2, 0.3], max_leak: 0.2}", "max_leak"),
      ("data.split.block=12", "data.split.block is 12"),
      ("data.inputs.image.wavelengths={file: none.txt}", "none.txt"),
    ])
  func refusedFiles(override: String, text: String) throws {
    let plan = try plan(Self.potsdam, [override])
    var message = ""
    do { _ = try plan.open(seed: 1) } catch { message = "\(error)" }
    #expect(message.contains(text), "\(message)")
  }

  @Test("a task that needs anything but one class is told what the format gives")
  func tasks() throws {
    for kind in [TargetKind.classMap, .frames, .none, .image] {
      var message = ""
      do { _ = try plan(Self.potsdam, target: kind) } catch { message = "\(error)" }
      #expect(message.contains("gives one class for each sample, the task needs"), "\(message)")
    }
  }
}
