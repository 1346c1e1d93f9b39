import Attune
import Datasets
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

/// By M3LEOSurvey, TrajectorySurvey, SceneSurvey, TableSurvey, ClassFolderSurvey, PairSurvey and
/// PictureSurvey, each on data of its layout.
@Suite("Starting recipes from a look at data")
struct InitTests {
  /// Writes a recipe for a folder, and trains two steps by it with random weights.
  private func start(
    _ data: String, in folder: TemporaryDirectory, _ overrides: [String] = []
  ) throws -> StartingRecipe {
    let output = folder.path("start-\(UUID().uuidString.prefix(6)).yaml")
    let found = try startingRecipe(for: data, output: output)
    #expect(found.problems.isEmpty, "\(found.problems)\n\(found.recipe)")
    let validated = validation(of: output, overrides: ["model.weights=none"] + overrides)
    #expect(validated.isValid, "\(validated.errors)")
    let result = try train(
      TrainRequest(
        recipe: output,
        overrides: [
          "model.weights=none", "train.max_steps=2", "~train.epochs", "eval.bootstrap=0",
          "output.dir=\(folder.path("runs"))",
        ] + overrides))
    #expect(result.record?.steps == 2)
    return found
  }

  /// A small backbone in the place of the usual one, for the training itself.
  private static let small = [
    "model.backbone={name: vit, patch_size: 4, embed_dim: 32, depth: 2, num_heads: 2}"
  ]

  @Test("folders of classes: classification, stratified")
  func classFolders() throws {
    let scene = try TaskScene(20)
    let found = try start(
      scene.folder.path("class"), in: scene.folder,
      Self.small + ["data.transforms=[horizontal-flip]"])
    #expect(found.kind == "pictures in folders of classes")
    #expect(found.recipe.contains("class_names: [bright, dark]"))
    #expect(found.recipe.contains("method: stratified"))
    #expect(found.recipe.contains("model: vit_small_patch16_224"))
    #expect(found.unknown.contains { $0.field == "model.weights" })
    #expect((found.check?.trainableParameters ?? 0) > 0)
  }

  @Test("images beside masks: segmentation, with the stored classes")
  func pairs() throws {
    let scene = try TaskScene(12)
    let folder = try TemporaryDirectory()
    for name in ["image", "mask"] {
      try FileManager.default.copyItem(
        atPath: scene.folder.path(name), toPath: folder.path(name))
    }
    let found = try start(folder.path, in: scene.folder)
    #expect(found.kind == "images with a raster for each")
    #expect(found.recipe.contains("task: segmentation"))
    #expect(found.recipe.contains("class_names: [class_0, class_1]"))
    #expect(found.unknown.contains { $0.field == "data.target.class_names" })
  }

  @Test("images beside numbers: pixel regression")
  func heights() throws {
    let scene = try TaskScene(12)
    let folder = try TemporaryDirectory()
    for name in ["image", "height"] {
      try FileManager.default.copyItem(
        atPath: scene.folder.path(name), toPath: folder.path(name))
    }
    // Both are rasters of one format.
    let found = try startingRecipe(for: folder.path, output: nil)
    #expect(found.recipe.contains("path: height/*.tif") || !found.problems.isEmpty)
    #expect(
      found.recipe.contains("task: segmentation") || found.recipe.contains("pixel-regression"))
  }

  @Test("a scene and its label raster: blocks apart from each other")
  func labelRaster() throws {
    let scene = try CubeScene()
    let folder = try TemporaryDirectory()
    for name in ["cube.tif", "labels.tif"] {
      try FileManager.default.copyItem(
        atPath: scene.folder.path(name), toPath: folder.path(name))
    }
    let found = try start(folder.path, in: scene.folder)
    #expect(found.recipe.contains("task: segmentation"))
    #expect(found.recipe.contains("method: spatial_block"))
    #expect(found.recipe.contains("path: labels.tif"))
    #expect(found.unknown.contains { $0.field == "data.inputs.image.unit" })
  }

  @Test("images with a table: a class of text, or a number")
  func table() throws {
    let scene = try TaskScene(20)
    let folder = try TemporaryDirectory()
    try FileManager.default.copyItem(
      atPath: scene.folder.path("image"), toPath: folder.path("image"))
    try FileManager.default.copyItem(
      atPath: scene.folder.path("table.csv"), toPath: folder.path("table.csv"))
    let found = try start(
      folder.path, in: scene.folder, Self.small + ["data.transforms=[horizontal-flip]"])
    #expect(found.kind == "images with a table")
    #expect(found.recipe.contains("task: classification") && found.recipe.contains("column: kind"))
    #expect(
      found.unknown.contains { $0.field == "data.target" && $0.reason.contains("brightness") })
    try folder.write(
      "id,brightness\n"
        + (0..<20).map { "p\($0),\($0 % 2 == 0 ? 200 : 90)" }.joined(separator: "\n") + "\n",
      to: "table.csv")
    let numbers = try start(
      folder.path, in: scene.folder, Self.small + ["data.transforms=[horizontal-flip]"])
    #expect(numbers.recipe.contains("task: regression"))
  }

  @Test("pictures alone: masked pretraining")
  func pictures() throws {
    let scene = try TaskScene(12)
    let found = try start(scene.folder.path("image"), in: scene.folder)
    #expect(found.recipe.contains("task: pretrain-mae"))
    #expect(!found.recipe.contains("adapter:"))
  }

  @Test("trajectories: whole ones in each part")
  func trajectories() throws {
    let folder = try TemporaryDirectory()
    let request = MakePDERequest(equation: "advection", trajectories: 10, seed: 1)
    var small = request
    (small.cells, small.frames) = (32, 6)
    try makePDEData(small, at: folder.path("waves.hdf5"), replacing: false) { _ in }
    let found = try start(
      folder.path("waves.hdf5"), in: folder,
      [
        "model.backbone={name: morph, patch_size: [1, 1, 8], dim: 16, depth: 1, heads: 2, "
          + "heads_xa: 2, mlp_dim: 32, conv_filter: 8, max_fields: 1, max_components: 1, max_ar: 1, "
          + "max_patches: 4}"
      ])
    #expect(found.recipe.contains("format: pdebench"))
    #expect(found.recipe.contains("method: trajectory"))
    #expect(found.recipe.contains("10 trajectories of 6 frames, grid 32"))
  }

  @Test("a scene in ENVI files: blocks with a guard band, few components")
  func envi() throws {
    let folder = try TemporaryDirectory()
    let (side, bands) = (48, 12)
    let classes = (0..<(side * side)).map { place in
      UInt8((place / side / 6 + place % side / 6) % 4)
    }
    let cube = (0..<(bands * side * side)).flatMap { place -> [UInt8] in
      let value =
        Float(classes[place % (side * side)]) * Float(place / (side * side) % 5)
        + Float((place &* 2_654_435) % 97) / 97
      return withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    try Data(cube).write(to: URL(filePath: folder.path("scene.dat")))
    try Data(classes).write(to: URL(filePath: folder.path("truth.dat")))
    for (name, count, type) in [("scene", bands, 4), ("truth", 1, 1)] {
      try folder.write(
        """
        ENVI
        samples = \(side)
        lines = \(side)
        bands = \(count)
        header offset = 0
        file type = ENVI Standard
        data type = \(type)
        interleave = bsq
        byte order = 0

        """, to: "\(name).hdr")
    }
    let found = try start(folder.path, in: folder)
    #expect(found.kind == "a hyperspectral scene")
    #expect(found.recipe.contains("task: pixel-classification"))
    #expect(found.recipe.contains("path: scene.dat") && found.recipe.contains("path: truth.dat"))
    #expect(found.recipe.contains("method: spatial_block"))
    #expect(found.recipe.contains("class_names: [class_1, class_2, class_3]"))
  }

  @Test("a tree of M3LEO: land cover by the published parts")
  func m3leo() throws {
    let folder = try TemporaryDirectory()
    let (tiles, side) = ("conus/conus_partitions_aschips_0123456789abc", 16)
    var rows = ["identifier,split"]
    let radar = M3LEOComponent(folder: "s1grd-2020")?.expectedBands ?? []
    for number in 0..<12 {
      let chip = "00000000000a\(number)"
      rows.append("\(chip),\(["train", "train", "val", "test"][number % 4])")
      func write<Element: RasterElement>(
        _ component: String, _ bands: [String], _ value: (Int, Int) -> Element
      ) throws {
        let file = folder.path("\(tiles)/\(component)/\(chip).tif")
        try FileManager.default.createDirectory(
          atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let writer = try RasterWriter(
          path: file,
          layout: RasterLayout(
            width: side, height: side, elementType: Element.rasterElementType, bands: bands))
        try writer.append(
          bands.indices.flatMap { band in (0..<(side * side)).map { value(band, $0) } })
        try writer.commit()
      }
      try write("s1grd-2020", radar) { UInt16(bitPattern: Int16(-10 - number - $0 - $1 % 7)) }
      try write("esaworldcover-2020", ["Map"]) { _, pixel in UInt8(pixel % 2 == 0 ? 10 : 80) }
    }
    try folder.write(rows.joined(separator: "\n") + "\n", to: "\(tiles)_splits_4bands.csv")
    let found = try start(folder.path, in: folder)
    #expect(found.kind == "M3LEO chips")
    #expect(found.recipe.contains("component: s1grd-2020"))
    #expect(found.recipe.contains("component: esaworldcover-2020"))
    #expect(found.recipe.contains("method: column"))
  }

  @Test("data of no known layout are refused")
  func unknownLayout() throws {
    let folder = try TemporaryDirectory()
    try folder.write("nothing", to: "notes.txt")
    #expect(throws: CommandLineError.self) {
      try startingRecipe(for: folder.path, output: nil)
    }
    #expect(throws: FormatError.self) {
      try startingRecipe(for: folder.path("absent"), output: nil)
    }
  }

  @Test("an existing file is not replaced")
  func existing() throws {
    let scene = try TaskScene(12)
    let output = try scene.folder.write("mine", to: "recipe.yaml")
    #expect(throws: FormatError.self) {
      try startingRecipe(for: scene.folder.path("class"), output: output)
    }
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "mine")
  }
}
