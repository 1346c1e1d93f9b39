import Formats
import Recipes
import Tensors

extension RasterTargets {
  /// The target of a window that is no raster: the scene's own, or what its raster holds there.
  ///
  /// - Throws: `TargetError.nothingKnown` for a raster without a valid pixel.
  func vector(_ scenes: [RasterScene], _ place: RasterWindow) throws -> Tensor {
    guard ofScene.isEmpty, case .rasters = target.source else { return ofScene[place.scene] }
    let scene = scenes[place.scene]
    guard let layer = scene.target else { preconditionFailure("\(scene.identifier): no target") }
    guard layer.file.isLike(scene) || place.window == scene.whole else {
      throw DataError.filesDiffer(
        property: "size", first: scene.layers[0].file.path,
        expected: "\(scene.height)×\(scene.width), to be cut into windows with it",
        second: layer.file.path, found: "\(layer.file.height)×\(layer.file.width)")
    }
    let window = layer.file.isLike(scene) ? place.window : layer.file.whole
    let raster = try stored(layer, window)
    let pixels = window.width * window.height
    return try raster.withElements(of: Float.self) { values in
      guard let coding else {
        return try means(values, pixels, layer.file.path)
      }
      var counts = [Int](repeating: 0, count: coding.names.count)
      for value in values where counts.indices.contains(Int(value)) { counts[Int(value)] += 1 }
      let total = counts.reduce(0, +)
      guard total > 0 else { throw TargetError.nothingKnown(path: layer.file.path) }
      let shares = counts.map { Double($0) / Double(total) }
      let isShares = target.kind == .shares
      return Tensor(
        shares.map { isShares ? Float($0) : $0 > target.minimumShare ? 1 : 0 },
        shape: [shares.count])
    }
  }

  /// Mean of each band's known values.
  private func means(
    _ values: UnsafeBufferPointer<Float>, _ pixels: Int, _ path: String
  ) throws(TargetError) -> Tensor {
    var means: [Float] = []
    for band in 0..<(values.count / pixels) {
      let known = values[(band * pixels)..<((band + 1) * pixels)].filter { !$0.isNaN }
      guard !known.isEmpty else { throw .nothingKnown(path: path) }
      means.append(Float(known.reduce(0.0) { $0 + Double($1) } / Double(known.count)))
    }
    return Tensor(means, shape: [means.count])
  }

  /// Values of a window before transforms: f32 `[band, row, column]`, NaN where a number is unknown,
  /// classes as numbers.
  ///
  /// - Throws: `TargetError` for a label that is no class, and what reading throws.
  func raster(_ scene: RasterScene, _ window: RasterFile.Window) throws -> Tensor {
    guard let layer = scene.target else { preconditionFailure("\(scene.identifier): no target") }
    let values = try stored(layer, layer.fileWindow(window))
    guard let size = layer.size else { return values }
    let isClasses = coding != nil
    let result = resized(
      values, to: (size.height, size.width), by: isClasses ? .nearest : .bilinear)
    return target.preserved.map { scaled(result, like: values, keeping: $0) } ?? result
  }

  /// Values of a window of the file: NaN where a number is unknown, classes as numbers.
  private func stored(
    _ layer: RasterScene.Layer, _ window: RasterFile.Window
  ) throws -> Tensor {
    let values = try layer.file.read(bands: layer.bands, in: window)
    let pixels = window.width * window.height
    for (band, number) in layer.bands.enumerated() {
      let marker = layer.file.noData[number].map { Float($0) }
      try values.withMutableElements(of: Float.self) { elements in
        let plane = UnsafeMutableBufferPointer(
          rebasing: elements[(band * pixels)..<((band + 1) * pixels)])
        try change(plane, marker, layer.file.path)
      }
    }
    return values
  }

  private func change(
    _ plane: UnsafeMutableBufferPointer<Float>, _ marker: Float?, _ path: String
  ) throws(TargetError) {
    var last: (stored: Float, index: Float)?
    for place in plane.indices {
      let value = plane[place]
      let isMissing = value.isNaN || value == marker
      guard let coding else {
        if isMissing || !value.isFinite || value == target.unlabelled.map({ Float($0) }) {
          plane[place] = .nan
        }
        continue
      }
      if isMissing {
        plane[place] = Float(coding.ignoreIndex)
      } else if let last, last.stored == value {
        plane[place] = last.index
      } else {
        let index = Float(try coding.index(of: value, path: path))
        last = (value, index)
        plane[place] = index
      }
    }
  }
}

extension PixelFile {
  /// All its pixels.
  var whole: RasterFile.Window { .init(column: 0, row: 0, width: width, height: height) }

  /// Whether windows of the scene are windows of the file.
  func isLike(_ scene: RasterScene) -> Bool { width == scene.width && height == scene.height }
}
