import Attune
import Formats
import Foundation
import Recipes
import TestSupport
import Testing

@Suite("Tasks by recipe, from training to prediction")
struct TaskRunTests {
  private static let split = "split: {method: random, fractions: [0.6, 0.2, 0.2]}"

  private func evaluation(_ record: RunRecord) throws -> RunRecord.Evaluation {
    let evaluation = try #require(record.evaluations.first)
    #expect(evaluation.split == "test" && evaluation.unitIdentifiers.count == 8)
    return evaluation
  }

  @Test("classification: classes from folders, probabilities in a table")
  func classification() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        """)
    let (run, record) = try scene.train(recipe)
    let found = try evaluation(record)
    let accuracy = try found.values("Accuracy_Micro")
    #expect(accuracy.model > 0.8 && accuracy.baseline == 0.5)
    #expect(found.classNames == ["bright", "dark"])
    #expect(found.confusion?.flatMap(\.self).reduce(0, +) == 8)
    #expect(record.data.target?.counts == [12, 12])
    let predictions = try scene.predict(run, ["class/bright/p0.png", "class/dark/p1.png"])
    let table = try CSVTable(path: predictions[0].output)
    #expect(table.columns == ["input", "class", "probability_bright", "probability_dark"])
    #expect(table.rows.map { $0[1] } == ["bright", "dark"])
    let shares = table.rows.map { $0[2...].compactMap { Float($0) }.reduce(0, +) }
    #expect(shares.allSatisfy { abs($0 - 1) < 1e-5 })
  }

  @Test("a few samples of each class, and an adapter with its head, opened again")
  func fewShotAdapter() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: per_class_count, train: 8, val: 4}
        """)
    let (run, record) = try scene.train(recipe, ["adapter={method: lora, r: 4}"])
    #expect(record.data.target?.counts == [8, 8])
    #expect(record.model.adapters[0].modulesToSave.contains("head.weight"))
    let keys = try SafetensorsKeys.of(run + "/adapter/adapter_model.safetensors")
    #expect(keys.contains("base_model.model.head.weight"), "\(keys)")
    // The evaluation of the stored checkpoint repeats that of the run.
    let again = try evaluate(EvalRequest(subject: run))
    let value = try #require(record.evaluations[0].metrics.first { $0.name == "Accuracy_Micro" })
    #expect(again.metrics["test/Accuracy_Micro"] == value.value)
  }

  @Test("multilabel: lists in a column")
  func multilabel() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "multilabel",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: table.csv, column: tags}
        \(Self.split)
        """)
    let (run, record) = try scene.train(recipe)
    let mAP = try evaluation(record).values("mAP_Macro")
    #expect(mAP.model > mAP.baseline)
    let predictions = try scene.predict(run, ["image/p0.png"])
    let table = try CSVTable(path: predictions[0].output)
    #expect(
      table.columns == [
        "input", "classes", "probability_bright", "probability_dark", "probability_upper",
      ])
  }

  @Test("segmentation: a georeferenced map, a picture with a legend, areas")
  func segmentation() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "mask/*.png", class_names: [ground, square]}
        \(Self.split)
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let loss = "train.loss=[{name: cross-entropy, class_weights: balanced}, {name: dice}]"
    let (run, record) = try scene.train(recipe, [loss])
    let found = try evaluation(record)
    let iou = try found.values("mIoU")
    #expect(iou.model > iou.baseline && iou.model > 0.6)
    #expect(record.samples.first?.panels.map(\.title) == ["input", "truth", "prediction", "error"])
    let predictions = try scene.predict(run, ["image/p1.png"]) { $0.marksOutliers = true }
    let map = try RasterFile(path: predictions[0].output)
    #expect(map.width == 16 && map.bands.count == 1 && map.bands[0].noData == 255)
    #expect(map.metadata["class_1"] == "square")
    let endings = predictions[0].files.map { ($0 as NSString).lastPathComponent }
    #expect(endings == ["p1_prediction.png", "p1_areas.csv", "p1_ood.tif"])
    let areas = try CSVTable(path: predictions[0].files[1])
    #expect(areas.rows.compactMap { Double($0[2]) }.reduce(0, +) == 256)
  }

  @Test("regression: values in the unit of the table")
  func regression() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "regression",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: table.csv, column: brightness}
        \(Self.split)
        """)
    let (run, record) = try scene.train(recipe)
    let rmse = try evaluation(record).values("RMSE")
    #expect(rmse.model < rmse.baseline && abs(rmse.baseline - 55) < 3)
    let predictions = try scene.predict(run, ["image/p0.png", "image/p1.png"])
    let table = try CSVTable(path: predictions[0].output)
    #expect(table.columns == ["input", "brightness"])
    let values = table.rows.compactMap { Double($0[1]) }
    #expect(values[0] > values[1])
  }

  @Test("proportions add up to 1")
  func proportions() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "proportions",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: table.csv, class_names: [dark, bright]}
        \(Self.split)
        """)
    let (run, record) = try scene.train(recipe)
    let mae = try evaluation(record).values("MAE")
    #expect(mae.model < mae.baseline)
    let predictions = try scene.predict(run, ["image/p0.png"])
    let row = try CSVTable(path: predictions[0].output).rows[0]
    #expect(abs(row[1...].compactMap { Double($0) }.reduce(0, +) - 1) < 1e-5)
  }

  @Test("pixel regression: numbers for every pixel, as a raster")
  func pixelRegression() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "pixel-regression",
      data: """
        inputs: {image: {path: "height/*.tif"}}
        target: {path: "height/*.tif"}
        \(Self.split)
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let (run, record) = try scene.train(recipe, ["data.format=geotiff"])
    let rmse = try evaluation(record).values("RMSE")
    #expect(rmse.model < rmse.baseline)
    let predictions = try scene.predict(run, ["height/p3.tif"])
    let map = try RasterFile(path: predictions[0].output)
    #expect(map.bands.map(\.name) == ["height"])
    let whole = RasterFile.Window(column: 0, row: 0, width: 16, height: 16)
    #expect(try map.read(bands: [0], in: whole).allSatisfy { $0.isFinite && $0 > -20 && $0 < 40 })
  }

  @Test("restoration: from pairs and from degraded clean pictures, to a picture of the same kind")
  func restoration() throws {
    let scene = try TaskScene()
    let nafnet = """
      backbone: {name: nafnet, width: 8, enc_blk_nums: [1], middle_blk_num: 1, dec_blk_nums: [1]}
      weights: none
      """
    let pairs = try scene.recipe(
      "restoration",
      data: """
        inputs: {image: {path: "image/*.png", scale: 0.0039215686, normalize: none}}
        target: {path: "clean/*.png"}
        \(Self.split)
        """, model: nafnet)
    let (run, record) = try scene.train(pairs)
    let psnr = try evaluation(record).values("PSNR")
    #expect(psnr.model > psnr.baseline)
    let predictions = try scene.predict(run, ["image/p0.png"])
    let picture = try PNGImage(path: predictions[0].output)
    #expect(picture.width == 16 && picture.colorModel == .gray && picture.bitDepth == 8)
    let degraded = try scene.train(
      pairs,
      [
        "data.inputs.image.path=clean/*.png", "~data.target",
        "data.degrade={list: [{name: gaussian-noise, sigma: [20, 30]}]}", "name=noise",
      ])
    let again = try evaluation(degraded.record).values("PSNR")
    #expect(again.model > again.baseline && abs(again.baseline - 20.5) < 1.5)
  }

  @Test("pictures larger than a training crop are evaluated and predicted tile by tile")
  func tiles() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "mask/*.png", class_names: [ground, square]}
        \(Self.split)
        transforms: [{name: random-crop, size: 8}]
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let tiled = "eval.tiled_inference={crop: 8, stride: 6, batch: 3}"
    let (run, record) = try scene.train(recipe, [tiled])
    let iou = try evaluation(record).values("mIoU")
    #expect(iou.model > iou.baseline)
    #expect(record.evaluations[0].confusion?.flatMap(\.self).reduce(0, +) == 8 * 256)
    let predictions = try scene.predict(run, ["image/p1.png"])
    #expect(try RasterFile(path: predictions[0].output).width == 16)
    var message = ""
    do { _ = try scene.train(recipe, ["name=whole"]) } catch { message = "\(error)" }
    #expect(message.contains("16"), "\(message)")
  }

  @Test("a raster smaller than a tile, and a single test sample")
  func edges() throws {
    let scene = try TaskScene(10)
    let recipe = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "mask/*.png", class_names: [ground, square]}
        split: {method: random, fractions: [0.8, 0.1, 0.1]}
        """, model: TaskScene.vit + "\ndecoder: linear-transpose")
    let (run, record) = try scene.train(
      recipe, ["train.max_steps=2", "eval.tiled_inference={crop: 16, stride: 16, batch: 1}"])
    let metrics = record.evaluations[0].metrics
    #expect(metrics.allSatisfy { $0.count == 1 && $0.ciLower == nil && $0.value.isFinite })
    try PNGImage(
      width: 5, height: 3, colorModel: .gray, bitDepth: 8,
      samples: (0..<15).map { UInt16(20 + $0) }
    ).write(to: scene.folder.path("tiny.png"))
    let predictions = try scene.predict(run, ["tiny.png"])
    let map = try RasterFile(path: predictions[0].output)
    #expect(map.width == 5 && map.height == 3)
  }

  @Test(
    "what cannot be asked is refused before anything is written",
    arguments: [
      ("data.target.class_names=[ground]", "none of the 1 classes"),
      ("train.loss=mse", "does not compare"), ("eval.metrics=[PSNR]", "does not judge"),
      ("model.num_classes=5", "2, the classes of the data"),
      ("model.decoder={name: linear, block: 7}", "no block 7"),
      ("model.neck=learned", "takes no pyramid"),
      ("train.loss={name: cross-entropy, class_weights: [1, 2, 3]}", "one for each of the 2"),
      ("data.target.path=none/*.png", "no such data file"),
      ("task=restoration", "gives no images"), ("model.fusion=late", "model.fusion: late"),
      ("eval.color_space=y", "for task segmentation"), ("eval.border=4", "for task segmentation"),
      ("data.inputs.image.skip_constant_channels=1", "skip_constant_channels"),
      ("data.target.preserve=mean", "only a resized raster of numbers"),
    ])
  func refusals(override: String, text: String) throws {
    let scene = try TaskScene(12)
    let recipe = try scene.recipe(
      "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "mask/*.png", class_names: [ground, square]}
        \(Self.split)
        """, model: TaskScene.vit + "\ndecoder: linear")
    var message = ""
    do { _ = try scene.train(recipe, [override]) } catch { message = "\(error)" }
    #expect(message.contains(text), "\(message)")
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path("runs")))
  }

  @Test("predict refuses other bands and other values, and says what was accepted")
  func contract() throws {
    let scene = try TaskScene(20)
    let recipe = try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        """)
    let (run, _) = try scene.train(recipe, ["train.max_steps=2"])
    try PNGImage(
      width: 16, height: 16, colorModel: .gray, bitDepth: 8,
      samples: [UInt16](repeating: 255, count: 256)
    ).write(to: scene.folder.path("white.png"))
    func message(_ input: String, _ accepted: [String] = []) -> String {
      do {
        _ = try scene.predict(run, [input]) { $0.accepted = accepted }
        return ""
      } catch { return "\(error)" }
    }
    #expect(message("white.png").contains("values.gray: expected a median in"))
    #expect(message("white.png", ["values.gray"]).isEmpty)
    try PNGImage(
      width: 16, height: 16, colorModel: .rgb, bitDepth: 8,
      samples: [UInt16](repeating: 60, count: 768)
    ).write(to: scene.folder.path("color.png"))
    #expect(message("color.png").contains("expected the 1 of input image"))
    try PNGImage(
      width: 12, height: 12, colorModel: .gray, bitDepth: 8,
      samples: [UInt16](repeating: 60, count: 144)
    ).write(to: scene.folder.path("small.png"))
    #expect(message("small.png").contains("12"))
  }
}
