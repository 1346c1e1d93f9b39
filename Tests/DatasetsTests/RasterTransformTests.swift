import Datasets
import Formats
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing

/// Pictures of 12×12 pixels with masks: class 1 in the right half, 7 in the last row.
private struct MaskedPictures {
  let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    for number in 0..<6 {
      let values: [UInt16] = (0..<144).map { UInt16(10 * number + $0 % 12) }
      let classes: [UInt16] = (0..<144).map { $0 / 12 == 11 ? 7 : $0 % 12 < 6 ? 0 : 1 }
      for (name, samples) in [("image", values), ("mask", classes)] {
        try PNGImage(width: 12, height: 12, colorModel: .gray, bitDepth: 8, samples: samples)
          .write(to: folder.path("p\(number)_\(name).png"))
      }
    }
  }

  /// What a recipe with these transforms plans.
  func plan(_ transforms: String) throws -> any DataSetPlan {
    let text = """
      version: 1
      name: x
      task: x
      model: {backbone: vit, weights: none}
      data:
        format: image-folder
        inputs: {image: {path: "*_image.png", resolution: 10}}
        target: {path: "*_mask.png", ignore_index: 7, class_names: [left, right]}
        split: {method: random, fractions: [0.5, 0.25, 0.25]}
        transforms: \(transforms)
      train: {max_steps: 1, optimizer: {name: adamw, lr: 1e-3}}
      """
    try folder.write(text, to: "recipe.yaml")
    let diagnostics = Diagnostics()
    let recipe = try RecipeLoader().load(
      file: folder.path("recipe.yaml"), overrides: [], diagnostics)
    let plan = ImageFolderFormat.plan(recipe.data, target: .classMap, diagnostics)
    try diagnostics.throwErrors()
    return try #require(plan)
  }

  func set(_ transforms: String) throws -> any DataSet { try plan(transforms).open(seed: 3) }
}

@Suite("Transforms of raster samples")
struct RasterTransformTests {
  private func sample(
    _ set: any DataSet, _ part: SplitPart, augmented: Bool, epoch: Int = 0
  ) throws -> (image: Tensor, target: [Int32], resolution: Float) {
    let fields = try #require(set.samples(part, augmented: augmented)).sample(0, epoch: epoch)
    let image = try #require(fields["image"])
    let target = try #require(fields["target"])
    #expect(target.shape == Array(image.shape.dropFirst()) && target.dtype == .i32)
    let resolution = try #require(fields["image" + InputField.resolution])
    return (
      image, target.elements(as: Int32.self), resolution.elements(as: Float.self)[0]
    )
  }

  @Test("what is not random prepares samples in evaluation, and the resolution follows")
  func evaluation() throws {
    let pictures = try MaskedPictures()
    let set = try pictures.set(
      "[{name: resize, size: 6}, {name: center-crop, size: 4}, {name: clip, max: 0.2},"
        + " {name: gaussian-noise, std: 1}, vertical-flip]")
    let test = try sample(set, .test, augmented: false)
    #expect(test.image.shape == [1, 4, 4] && test.resolution == 20)
    // Rows 2 to 8 of the picture, columns alike: the halves meet in the middle.
    #expect(test.target == [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1])
    let values = test.image.elements(as: Float.self)
    #expect((values.max() ?? 1) <= 0.2 && Array(values.prefix(4)) == Array(values.suffix(4)))
    #expect(set.inputs[0].shape == [1, 4, 4])
    let training = try sample(set, .train, augmented: true).image.elements(as: Float.self)
    #expect((training.max() ?? 0) > 0.2)
  }

  @Test("a turned mask holds its classes and the ignored one, in training only")
  func rotation() throws {
    let pictures = try MaskedPictures()
    let set = try pictures.set("[{name: rotate, degrees: [40, 50]}]")
    let turned = try sample(set, .train, augmented: true)
    #expect(turned.target[0] == 7 && Set(turned.target) == [0, 1, 7])
    #expect(turned.image.elements(as: Float.self)[0] == 0)
    let again = try sample(set, .train, augmented: true)
    #expect(again.image.elements(as: Float.self) == turned.image.elements(as: Float.self))
    let next = try sample(set, .train, augmented: true, epoch: 1)
    #expect(next.image.elements(as: Float.self) != turned.image.elements(as: Float.self))
    #expect(try sample(set, .train, augmented: false).target[0] == 0)
  }

  @Test("prediction bounds values as training did, and refuses a model of another scale")
  func prediction() throws {
    let pictures = try MaskedPictures()
    let files = ["image": pictures.folder.path("p0_image.png")]
    let plain = try pictures.plan("[horizontal-flip]")
    let contract = try plain.open(seed: 3).contract
    let window = RasterFile.Window(column: 0, row: 0, width: 12, height: 12)
    func values(_ plan: any DataSetPlan) throws -> [Float] {
      let scene = try #require(try plan.predictionScene(files, contract: contract))
      return try #require(try scene.fields(in: window)["image"]).elements(as: Float.self)
    }
    let all = try values(plain)
    let bound = all[5]
    #expect(Set(all).count == 12)
    let clipped = try pictures.plan("[{name: clip, max: \(bound)}, horizontal-flip]")
    #expect(try values(clipped) == all.map { min($0, bound) })
    let resized = try pictures.plan("[{name: resize, size: 6}]")
    let error = #expect(throws: DataError.self) {
      _ = try resized.predictionScene(files, contract: contract)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("data.transforms.resize"))
  }
}
