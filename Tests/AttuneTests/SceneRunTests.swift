import Attune
import Datasets
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

@Suite("Pixel classification of a scene, from training to a map")
struct SceneRunTests {
  private func train(
    _ scene: CubeScene, _ overrides: [String] = [], model: String = CubeScene.vit
  ) throws -> (directory: String, record: RunRecord) {
    let result = try Attune.train(
      TrainRequest(recipe: try scene.recipe(model: model), overrides: overrides))
    return (result.directory.path, try #require(result.record))
  }

  private func predict(
    _ scene: CubeScene, _ run: String, _ file: String,
    _ change: (inout PredictRequest) -> Void = { _ in }
  ) throws -> Prediction {
    var request = PredictRequest(
      run: run, inputs: [scene.folder.path(file)], output: scene.folder.path("out-\(file)"))
    change(&request)
    return try #require(try Attune.predict(request).first)
  }

  private func classes(_ prediction: Prediction) throws -> (map: RasterFile, values: [Int]) {
    let map = try RasterFile(path: prediction.output)
    let values = try map.read(
      bands: [0], in: .init(column: 0, row: 0, width: map.width, height: map.height))
    return (map, values.map { Int($0) })
  }

  /// Rows and columns of the test pixels.
  private func testPixels(_ scene: CubeScene) throws -> [(row: Int, column: Int)] {
    let diagnostics = Diagnostics()
    let recipe = try RecipeLoader().load(
      file: scene.folder.path("recipe.yaml"), overrides: [], diagnostics)
    let plan = try #require(SceneFormat.plan(recipe.data, target: .label, diagnostics))
    let samples = try #require(try plan.open(seed: 3).samples(.test, augmented: false))
    return (0..<samples.count).map { index in
      let place = samples.identifier(index).split(separator: ",").compactMap { Int($0) }
      return (place[0], place[1])
    }
  }

  @Test("the map of the training scene holds the evaluated classes of the test pixels")
  func map() throws {
    let scene = try CubeScene()
    let (run, record) = try train(scene)
    let evaluation = try #require(record.evaluations.first { $0.split == "test" })
    let accuracy = try evaluation.values("OA")
    #expect(accuracy.model > 0.8 && accuracy.model > accuracy.baseline + 0.2)
    #expect(evaluation.unitIdentifiers.allSatisfy { $0.hasPrefix("block ") })
    #expect(record.data.splits["test"]?.units == evaluation.unitIdentifiers.count)
    let again = try evaluate(EvalRequest(subject: run))
    #expect(again.metrics["test/OA"] == accuracy.model)

    let prediction = try predict(scene, run, "cube.tif") { $0.marksOutliers = true }
    let (map, values) = try classes(prediction)
    var confusion = [[Int]](repeating: [0, 0, 0], count: 3)
    for pixel in try testPixels(scene) {
      let place = pixel.row * CubeScene.side + pixel.column
      confusion[Int(scene.labels[place]) - 1][values[place]] += 1
    }
    #expect(confusion == evaluation.confusion)

    let input = try RasterFile(path: scene.folder.path("cube.tif"))
    #expect(map.geoReference.transform == input.geoReference.transform)
    #expect(map.geoReference.system == input.geoReference.system)
    #expect(map.geoReference.system.contains("UTM zone 33N"))
    #expect(map.bands[0].noData == 255 && map.bands[0].colors.count >= 3)
    #expect(map.metadata["class_2"] == "lake")
    for pixel in values.indices {
      #expect((values[pixel] == 255) == CubeScene.isMissing(pixel))
    }
    let endings = prediction.files.map { ($0 as NSString).lastPathComponent }
    #expect(endings == ["cube_prediction.png", "cube_areas.csv", "cube_ood.tif"])
    let shares = try RasterFile(path: prediction.files[2]).read(
      bands: [0], in: .init(column: 0, row: 0, width: CubeScene.side, height: CubeScene.side))
    let known = shares.filter { !$0.isNaN }
    #expect(known.count == 576 - 4 && known.allSatisfy { (0...1).contains($0) })
    let mean = known.reduce(0.0) { $0 + Double($1) } / 572
    #expect(abs((prediction.largestOutlierShare ?? 1) - mean) < 1e-6 && mean < 0.05)
    let areas = try CSVTable(path: prediction.files[1])
    #expect(abs(areas.rows.compactMap { Double($0[2]) }.reduce(0, +) - 5.72) < 1e-9)
    #expect(areas.rows.allSatisfy { $0[1] == "ha" })
  }

  @Test("another file of the same bands goes through the run's own reduction")
  func otherFile() throws {
    let scene = try CubeScene()
    let (run, _) = try train(scene, ["data.inputs.image.reduce.fit_on=all"])
    try scene.writeTop(rows: 12)
    let whole = try classes(predict(scene, run, "cube.tif")).values
    let (map, top) = try classes(predict(scene, run, "top.h5"))
    #expect(map.width == CubeScene.side && map.height == 12)
    #expect(map.geoReference.transform == nil)
    // The last row of the cut sees its mirror image in place of what follows in the whole.
    let shared = 11 * CubeScene.side
    #expect(Array(top.prefix(shared)) == Array(whole.prefix(shared)))
    #expect(Set(top).count == 4)
  }

  @Test("bands and values of other scenes are compared as stored")
  func contract() throws {
    let scene = try CubeScene()
    let (run, _) = try train(scene, ["train.max_steps=2"])
    func write(_ name: String, bands: Int, _ value: Float) throws {
      let writer = try RasterWriter(
        path: scene.folder.path(name),
        layout: RasterLayout(
          width: 8, height: 8, elementType: .float32,
          bands: [String](repeating: "", count: bands)))
      try writer.append([Float](repeating: value, count: bands * 64))
      try writer.commit()
    }
    func message(_ file: String, _ accepted: [String] = []) -> String {
      do {
        _ = try predict(scene, run, file) { $0.accepted = accepted }
        return ""
      } catch { return "\(error)" }
    }
    try write("five.tif", bands: 5, 80)
    #expect(message("five.tif").contains("5 bands"))
    try write("bright.tif", bands: 6, 8000)
    #expect(message("bright.tif").contains("values.band 0: expected a median in"))
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path("out-bright.tif")))
    #expect(message("bright.tif", (0..<6).map { "values.band \($0)" }).isEmpty)
  }

  @Test("a leak above the bound stops the run before anything is written")
  func leak() throws {
    let scene = try CubeScene()
    var message = ""
    do {
      _ = try train(
        scene, ["data.split={method: random, fractions: [0.5, 0.2, 0.3], max_leak: 0.5}"])
    } catch { message = "\(error)" }
    #expect(message.contains("data.split.max_leak allows 0.5"), "\(message)")
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path("runs")))
  }

  @Test("LoLA-SpecViT, whose batch norms belong to the state, learns a scene and maps it")
  func lola() throws {
    let scene = try CubeScene()
    let (run, record) = try train(
      scene, ["train.max_steps=40", "data.patch.size=5", "data.split.block=10"],
      model: """
        backbone: {name: lola-specvit, preset: 2layer}
        weights: none
        """)
    let accuracy = try #require(record.evaluations.first).values("OA")
    #expect(accuracy.model > accuracy.baseline)
    #expect(try classes(predict(scene, run, "cube.tif")).values.count == 576)
  }

  @Test(
    "a real EnMAP scene trains and is evaluated in blocks",
    .enabled(if: Shared.isPresent, "../shared is absent"))
  func potsdam() throws {
    let folder = try TemporaryDirectory()
    let file = PackageFolder.url("recipes/hyperspectral/potsdam-lola.yaml").path
    let result = try Attune.train(
      TrainRequest(
        recipe: file,
        overrides: [
          "data.root=\(Shared.path("data/hyperspectral/enmap_potsdam"))",
          "output.dir=\(folder.path)", "~train.epochs", "train.max_steps=2",
          "train.eval_every=2", "data.split.limit={val: 64, test: 64}",
        ]))
    let record = try #require(result.record)
    #expect(record.evaluations[0].metrics.map(\.name) == ["OA", "AA", "Kappa"])
    #expect(record.evaluations[0].confusion?.flatMap(\.self).reduce(0, +) == 64)
    #expect(record.data.target?.names.count == 6)
  }
}
