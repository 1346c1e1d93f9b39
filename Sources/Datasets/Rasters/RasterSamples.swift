import Recipes
import Tensors

/// Windows of rasters as samples: every input by name, with what belongs to it.
struct RasterSamples: SampleSet {
  let scenes: [RasterScene]
  let windows: [RasterWindow]
  let inputs: [RasterOptions.Input]
  /// Of each input by group of scenes; one group, called nothing, where statistics are not apart.
  let scalings: [String: [RasterScaling]]
  let targets: RasterTargets?
  let degradation: DegradationSequence?
  let transforms: [any Transform]
  /// Whether samples are drawn anew in every epoch; evaluation sees the same ones always.
  let isAugmented: Bool
  let seed: UInt64

  var count: Int { windows.count }

  func identifier(_ index: Int) -> String {
    let place = windows[index]
    return place.identifier(in: scenes[place.scene])
  }

  func unit(_ index: Int) -> String {
    windows[index].unit(in: scenes[windows[index].scene])
  }

  var groups: [Int]? {
    targets?.classes.map { classes in windows.map { classes[$0.scene] } }
  }

  func sample(_ index: Int, epoch: Int) throws -> [String: Tensor] {
    let place = windows[index]
    let scene = scenes[place.scene]
    let scalings = scalings[scene.group] ?? scalings[""] ?? []
    var sample = ImageSample(inputs: [:], meaning: targets?.meaning ?? .values)
    for (number, input) in inputs.enumerated() {
      sample.inputs[input.name] = try scalings[number].values(
        of: scene.layers[number], in: place.window)
    }
    if let targets, targets.isRaster {
      sample.target = try raster(place, countsOnce: !isAugmented)
    }
    var random = Philox(seed: seed, purpose: .augmentation, step: epoch, index: index)
    for transform in transforms { sample = try transform(sample, &random) }
    var images = sample.inputs
    if let targets {
      images[TargetDescription.field] =
        try sample.target.map(targets.finished) ?? targets.vector(scenes, place)
    }
    if let degradation, let clean = images[inputs[0].name] {
      var random = Philox(
        seed: seed, purpose: .data, step: isAugmented ? epoch : 0, index: index)
      images[inputs[0].name] = degradation(clean, &random)
    }
    for (number, input) in inputs.enumerated() {
      let layer = scene.layers[number]
      if let wavelengths = Self.wavelengths(input, layer) {
        images[input.name + InputField.wavelengths] = Tensor(
          wavelengths.map { Float($0) }, shape: [wavelengths.count])
      }
      if let resolution = input.resolution ?? layer.resolution {
        images[input.name + InputField.resolution] = Tensor(
          Float(resolution * sample.pixelScale(of: input.name)))
      }
    }
    return images
  }

  /// The target of a window as a sample holds it, without transforms.
  func target(of place: RasterWindow) throws -> Tensor {
    guard let targets else { preconditionFailure("samples without targets") }
    return targets.isRaster
      ? targets.finished(try raster(place)) : try targets.vector(scenes, place)
  }

  /// The target's raster in a window, before transforms.
  ///
  /// With `countsOnce` pixels that another window counts are ignored.
  private func raster(_ place: RasterWindow, countsOnce: Bool = false) throws -> Tensor {
    guard let targets else { preconditionFailure("samples without targets") }
    let scene = scenes[place.scene]
    guard targets.target.kind == .image else {
      let raster = try targets.raster(scene, place.window)
      if countsOnce { targets.ignore(before: place.counted, in: raster) }
      return raster
    }
    let layer = scene.target ?? scene.layers[0]
    let scaling = RasterScaling(inputs[0], like: layer, statistics: nil)
    let image = try scaling.values(of: layer, in: place.window)
    let range = image.withElements(of: Float.self) { ($0.min() ?? 0, $0.max() ?? 0) }
    guard range.0 >= -1e-4, range.1 <= 1 + 1e-4 else {
      throw TargetError.outOfRange(
        path: layer.file.path, minimum: Double(range.0), maximum: Double(range.1))
    }
    return image
  }

  /// Band centers of an input in nanometers: the recipe's, else the file's.
  static func wavelengths(
    _ input: RasterOptions.Input, _ layer: RasterScene.Layer
  ) -> [Double]? {
    switch input.wavelengths {
    case .values(let values): return values
    case .linear(let first, let last):
      let steps = Double(max(1, layer.bands.count - 1))
      return layer.bands.indices.map { first + (last - first) * Double($0) / steps }
    case nil: return layer.file.wavelengths.map { all in layer.bands.map { all[$0] } }
    }
  }
}
