import Recipes

extension RunRecord.Data.Spectra {
  /// Of some pixels of a cube as stored, after scale and offset; classes without a pixel are left out.
  init(_ cube: SceneArray, _ options: SceneOptions.Image, _ labels: SceneLabels, pixels: [Int]) {
    let size = cube.width * cube.height
    let members = Dictionary(grouping: pixels) { labels.classes[$0] }
    let classes = labels.classNames.indices.compactMap { label -> RunRecord.Data.Spectrum? in
      guard let own = members[label] else { return nil }
      var moments = [Moments](repeating: Moments(), count: cube.bands.count)
      for band in cube.bands.indices {
        let values = own.map { pixel in
          cube.values[band * size + pixel] * Float(options.scale) + Float(options.offset)
        }
        values.withUnsafeBufferPointer { moments[band].add($0) }
      }
      return RunRecord.Data.Spectrum(
        name: labels.classNames[label], count: own.count, means: moments.map(\.mean),
        standardDeviations: moments.map(\.standardDeviation))
    }
    self.init(
      bands: cube.bands, wavelengths: cube.wavelengths, unit: options.unit ?? "",
      classes: classes)
  }
}
