import Tensors

/// Windows of rasters as samples: every input by name, with what belongs to it.
struct RasterSamples: SampleSet {
  let scenes: [RasterScene]
  let windows: [RasterWindow]
  let inputs: [RasterOptions.Input]
  let scalings: [RasterScaling]
  let transforms: [any Transform]
  let seed: UInt64

  var count: Int { windows.count }

  func identifier(_ index: Int) -> String {
    let place = windows[index]
    return place.identifier(in: scenes[place.scene])
  }

  func sample(_ index: Int, epoch: Int) throws -> [String: Tensor] {
    let place = windows[index]
    let scene = scenes[place.scene]
    var images: [String: Tensor] = [:]
    for (number, input) in inputs.enumerated() {
      images[input.name] = try scalings[number].values(
        of: scene.layers[number], in: place.window)
    }
    var random = Philox(seed: seed, purpose: .augmentation, step: epoch, index: index)
    for transform in transforms { images = try transform(images, &random) }
    for (number, input) in inputs.enumerated() {
      let layer = scene.layers[number]
      if let wavelengths = Self.wavelengths(input, layer) {
        images[input.name + InputField.wavelengths] = Tensor(
          wavelengths.map { Float($0) }, shape: [wavelengths.count])
      }
      if let resolution = input.resolution ?? layer.file.resolution {
        images[input.name + InputField.resolution] = Tensor(Float(resolution))
      }
    }
    return images
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
