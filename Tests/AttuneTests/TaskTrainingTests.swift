import Attune
import Formats
import Foundation
import Recipes
import TestSupport
import Testing

@Suite("How tasks are trained and judged")
struct TaskTrainingTests {
  private static let split = "split: {method: random, fractions: [0.6, 0.2, 0.2]}"

  @Test("threads change neither losses nor metrics by more than rounding, whatever is ignored")
  func sharding() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "patchy/*.png", class_names: [ground, square], label_map: {0: 0, 1: 1, 9: 255}}
        \(Self.split)
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let loss =
      "train.loss=[{name: cross-entropy, class_weights: [1, 3], weight: 1}, "
      + "{name: focal, weight: 0.5}, {name: dice, weight: 1}]"
    func losses(_ threads: Int) throws -> (steps: [Double], metrics: [Double]) {
      let (run, record) = try scene.train(
        recipe,
        [loss, "train.max_steps=6", "distributed.threads=\(threads)", "name=t\(threads)"])
      let lines = try String(contentsOfFile: run + "/steps.jsonl", encoding: .utf8)
      let steps = try lines.split(separator: "\n").dropFirst().map {
        try JSONDecoder().decode(StepEvent.self, from: Data($0.utf8)).loss
      }
      return (steps, record.evaluations[0].metrics.map(\.value))
    }
    let (one, three) = (try losses(1), try losses(3))
    #expect(one.steps.count == 6)
    for (first, second) in zip(one.steps, three.steps) {
      #expect(abs(first - second) < 1e-5 * abs(first))
    }
    for (first, second) in zip(one.metrics, three.metrics) { #expect(abs(first - second) < 0.01) }
  }

  @Test("a pyramid decoder beside an adapter: its running statistics are saved and used")
  func batchNorms() throws {
    let scene = try TaskScene(20)
    let model =
      TaskScene.vit + "\ndecoder: {name: upernet, channels: 16}"
      + "\nneck: {name: learned, blocks: [0, 0, 1, 1]}"
    let recipe = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "mask/*.png", class_names: [ground, square]}
        \(Self.split)
        """, model: model)
    let (run, record) = try scene.train(
      recipe, ["adapter={method: lora, r: 2}", "train.max_steps=12"])
    let keys = try SafetensorsKeys.of(run + "/adapter/adapter_model.safetensors")
    #expect(keys.contains { $0.contains("decoder") && $0.hasSuffix("running_mean") })
    let again = try evaluate(EvalRequest(subject: run)).metrics["test/mIoU"]
    #expect(again == record.evaluations[0].metrics.first { $0.name == "mIoU" }?.value)
  }

  @Test("balanced epochs draw evenly from classes; maps of classes have none")
  func balanced() throws {
    let scene = try TaskScene(20)
    let classes = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        """)
    let steps = "train.max_steps=3"
    func losses(_ overrides: [String]) throws -> [Double] {
      let run = try scene.train(classes, overrides + [steps]).directory
      let lines = try String(contentsOfFile: run + "/steps.jsonl", encoding: .utf8)
      return try lines.split(separator: "\n").dropFirst().map {
        try JSONDecoder().decode(StepEvent.self, from: Data($0.utf8)).loss
      }
    }
    let even = try losses(["data.sampler=balanced", "name=even"])
    #expect(even.count == 3)
    #expect(try losses(["name=plain"]) != even)
    let maps = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "mask/*.png", class_names: [ground, square]}
        \(Self.split)
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let refused = #expect(throws: RunError.self) {
      try scene.train(maps, ["data.sampler=balanced", steps, "name=maps"])
    }
    #expect(refused?.exitCode == .invalidRecipe)
  }

  @Test("mixed batches depend on seed and step alone; what cannot be mixed is refused")
  func mixing() throws {
    let scene = try TaskScene(20)
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        """)
    func losses(_ name: String, _ overrides: [String]) throws -> [Double] {
      let (run, record) = try scene.train(
        recipe, ["train.max_steps=6", "name=\(name)"] + overrides)
      // Evaluation sees whole samples of one class.
      #expect(record.evaluations[0].confusion?.joined().reduce(0, +) == 4)
      let lines = try String(contentsOfFile: run + "/steps.jsonl", encoding: .utf8)
      return try lines.split(separator: "\n").dropFirst().map {
        try JSONDecoder().decode(StepEvent.self, from: Data($0.utf8)).loss
      }
    }
    let mixed = "data.transforms=[{name: mixup, alpha: 0.8}, {name: cutmix, switch_prob: 0.4}]"
    let smoothing = "train.loss={name: cross-entropy, label_smoothing: 0.1}"
    let one = try losses("one", [mixed, smoothing, "data.num_workers=0"])
    #expect(try losses("three", [mixed, smoothing, "data.num_workers=3"]) == one)
    #expect(try losses("plain", [smoothing]) != one)
    // Never mixed is what was there before.
    let never = try losses("never", ["data.transforms=[{name: mixup, prob: 0}]"])
    for (first, second) in zip(never, try losses("none", [])) {
      #expect(abs(first - second) < 1e-5)
    }

    func refusal(_ overrides: [String], _ recipe: String) -> String {
      do {
        _ = try scene.train(recipe, overrides + ["name=refused"])
        return "trained"
      } catch {
        return "\(error)"
      }
    }
    let frozen = ["adapter={method: none}", "model.freeze_backbone=true"]
    #expect(
      refusal([mixed, "train.cache_frozen_features=true"] + frozen, recipe).contains("at random"))
    #expect(refusal([mixed, "train.loss=focal"], recipe).contains("class shares"))
    #expect(
      refusal(["data.transforms=[{name: cutmix, switch_prob: 0.4}]"], recipe)
        .contains("name mixup too"))
    let masks = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "mask/*.png", class_names: [ground, square]}
        \(Self.split)
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    #expect(refusal([mixed], masks).contains("mixes samples and their classes"))
  }

  @Test("a linear probe on stored features is the linear probe")
  func probe() throws {
    let scene = try TaskScene(20)
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        """)
    let probe = ["adapter={method: none}", "model.freeze_backbone=true", "train.max_steps=10"]
    let plain = try scene.train(recipe, probe)
    let stored = try scene.train(
      recipe, probe + ["train.cache_frozen_features=true", "name=stored"])
    #expect(plain.record.model.trainableParameters == 66)
    let pairs = zip(plain.record.evaluations[0].metrics, stored.record.evaluations[0].metrics)
    for (first, second) in pairs { #expect(abs(first.value - second.value) < 1e-4) }
  }

  /// WGS 84 / UTM zone 33N.
  private static let zone33 = """
    PROJCS["WGS 84 / UTM zone 33N",GEOGCS["WGS 84",DATUM["WGS_1984",\
    SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],\
    UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],\
    PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",15],\
    PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],\
    PARAMETER["false_northing",0],UNIT["metre",1]]
    """

  @Test("nothing is predicted where the input has no data, and the map lies where the input lies")
  func noData() throws {
    let scene = try TaskScene(20)
    func raster(_ name: String, _ value: (Int) -> Float) throws {
      var layout = RasterLayout(width: 16, height: 16, elementType: .float32, bands: ["x"])
      layout.noData = -9999
      layout.geoReference.system = Self.zone33
      layout.geoReference.transform = [500_000, 10, 0, 5_000_000, 0, -10]
      let writer = try RasterWriter(path: scene.folder.path(name), layout: layout)
      try writer.append((0..<256).map(value))
      try writer.commit()
    }
    try FileManager.default.createDirectory(
      atPath: scene.folder.path("gap"), withIntermediateDirectories: true)
    for number in 0..<10 {
      try raster("gap/p\(number)_x.tif") { $0 < 16 ? -9999 : Float(($0 * 7 + number) % 50) }
      try raster("gap/p\(number)_y.tif") { Float($0 % 16) }
    }
    let recipe = try scene.recipe(
      "pixel-regression",
      data: """
        inputs: {image: {path: "gap/*_x.tif"}}
        target: {path: "gap/*_y.tif"}
        \(Self.split)
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let (run, _) = try scene.train(recipe, ["data.format=geotiff", "train.max_steps=2"])
    let output = try scene.predict(run, ["gap/p1_x.tif"])[0].output
    let map = try RasterFile(path: output)
    let whole = RasterFile.Window(column: 0, row: 0, width: 16, height: 16)
    let values = try map.read(bands: [0], in: whole)
    #expect(values.prefix(16).allSatisfy { $0.isNaN })
    #expect(values.dropFirst(16).allSatisfy { !$0.isNaN })
    let source = try RasterFile(path: scene.folder.path("gap/p1_x.tif"))
    #expect(map.geoReference == source.geoReference && map.pixelSize == [10, 10])
  }

  @Test("eval refuses changed pictures, and accepted ones whose values are others")
  func changedInputs() throws {
    let scene = try TaskScene(20)
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        """)
    let (run, _) = try scene.train(recipe, ["train.max_steps=2"])
    for number in 0..<20 {
      let kind = number % 2 == 0 ? "bright" : "dark"
      try scene.mask("class/\(kind)/p\(number).png") { UInt16(240 + ($0 + number) % 15) }
    }
    func message(_ accepted: [String]) -> String {
      var request = EvalRequest(subject: run)
      request.accepted = accepted
      do {
        _ = try evaluate(request)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message([]).contains("p0.png"))
    #expect(message(["inputs"]).contains("values.gray: expected a median in"))
    #expect(message(["inputs", "values.gray"]).isEmpty)
  }

  @Test("a class that test pixels do not have, and a test part whose pixels are all ignored")
  func emptyParts() throws {
    let scene = try TaskScene(10)
    for number in 0..<10 {
      try scene.mask("sparse/p\(number).png") { number == 0 ? 9 : $0 % 3 == 0 ? 1 : 0 }
    }
    let recipe = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "sparse/*.png", class_names: [a, b, never], label_map: {0: 0, 1: 1, 9: 255}}
        split: {method: files, train: "image/p[1-9].png", test: "image/p0.png"}
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let (_, record) = try scene.train(recipe, ["train.max_steps=2"])
    #expect(record.data.overlaps.contains { $0.contains("never") })
    let evaluation = record.evaluations[0]
    #expect(evaluation.confusion?.flatMap(\.self).reduce(0, +) == 0)
    #expect(evaluation.metrics.first { $0.name == "mIoU" }?.value.isNaN ?? false)
  }
}
