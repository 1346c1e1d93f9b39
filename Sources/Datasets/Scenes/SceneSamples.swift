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

  /// Name of the tensor of classes.
  private static let target = "target"

  package var count: Int { pixels.count }

  /// `row,column`.
  package func identifier(_ index: Int) -> String {
    "\(pixels[index] / labels.width),\(pixels[index] % labels.width)"
  }

  /// The block of the split that the pixel lies in, else the pixel itself.
  package func unit(_ index: Int) -> String {
    guard case .computed(let split) = options.split, case .spatialBlocks(_, let side) = split.method
    else { return identifier(index) }
    let (row, column) = (pixels[index] / labels.width, pixels[index] % labels.width)
    return "block \(row / side),\(column / side)"
  }

  package func sample(_ index: Int, epoch: Int) throws -> [String: Tensor] {
    let name = options.image.name
    let pixel = pixels[index]
    var sample = [
      name: patches.patch(row: pixel / labels.width, column: pixel % labels.width)
    ]
    var random = Philox(seed: seed, purpose: .augmentation, step: epoch, index: index)
    for transform in transforms { sample = try transform(sample, &random) }
    if options.image.isStandardizedByPatch, let patch = sample[name] {
      sample[name] = ScenePatches.standardized(patch)
    }
    if let wavelengths = image.wavelengths {
      sample[name + InputField.wavelengths] = Tensor(
        wavelengths.map { Float($0) }, shape: [wavelengths.count])
    }
    if let resolution = options.image.resolution {
      sample[name + InputField.resolution] = Tensor(Float(resolution))
    }
    sample[Self.target] = Tensor([Int32(labels.classes[pixel])], shape: [])
    return sample
  }
}
