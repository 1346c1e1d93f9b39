import Recipes
package import Tensors

/// Patches around pixels of a scene, with the class of the pixel in the middle as `target`, i32 `[]`.
package struct SceneSamples: SampleSet {
  let options: SceneOptions
  let labels: SceneLabels
  let image: SceneImage
  /// Numbers of the pixels.
  let pixels: [Int]
  let patches: ScenePatches
  let transforms: [any Transform]
  let seed: UInt64

  package var count: Int { pixels.count }

  /// `row,column`.
  package func identifier(_ index: Int) -> String {
    "\(pixels[index] / labels.width),\(pixels[index] % labels.width)"
  }

  /// The block that the pixel lies in: neighboring pixels are not independent.
  package func unit(_ index: Int) -> String {
    let side = options.unitSide
    let (row, column) = (pixels[index] / labels.width, pixels[index] % labels.width)
    return "block \(row / side),\(column / side)"
  }

  package var groups: [Int]? { pixels.map { labels.classes[$0] } }

  package func sample(_ index: Int, epoch: Int) throws -> [String: Tensor] {
    let name = options.image.name
    let pixel = pixels[index]
    var patch = ImageSample(inputs: [
      name: patches.patch(row: pixel / labels.width, column: pixel % labels.width)
    ])
    var random = Philox(seed: seed, purpose: .augmentation, step: epoch, index: index)
    for transform in transforms { patch = try transform(patch, &random) }
    var sample = patch.inputs
    if let values = sample[name] { sample = image.fields(of: values, options.image) }
    sample[TargetDescription.field] = Tensor([Int32(labels.classes[pixel])], shape: [])
    return sample
  }
}
