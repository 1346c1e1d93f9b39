package import Recipes

/// One scene with a class for some of its pixels: a sample is the patch around such a pixel.
package enum SceneFormat: DataFormat {
  package static let name = "hyperspectral-scene"
  package static let summary =
    "one scene in MATLAB, HDF5, ENVI or GeoTIFF with a label image, patches around pixels"
  package static let options: OptionTable = []

  package static func plan(
    _ section: DataSection, target: TargetKind, _ diagnostics: Diagnostics
  ) -> (any DataSetPlan)? { SceneOptions(section, target, diagnostics) }
}

extension SceneOptions: DataSetPlan {
  package func open(seed: UInt64, keeping kept: KeptStatistics?) throws -> any DataSet {
    try SceneData(self, seed: seed)
  }

  package func normalizing(
    by contract: [String: InputContract], target: TargetDescription?
  ) -> any DataSetPlan {
    var options = self
    if let target {
      options.knownTarget = target
      if options.target.classOfValue == nil { options.target.classNames = target.names }
    }
    if case .image(let image) = contract[image.name] { options.image.known = image }
    return options
  }

  package func predictionScene(
    _ files: [String: String], contract: [String: InputContract]
  ) throws -> (any PredictionScene)? {
    guard let path = files[image.name], case .image(let known) = contract[image.name] else {
      throw DataError.optionInvalid(
        key: "predict", found: "no file of input '\(image.name)'", expected: "one")
    }
    var options = self
    options.image.known = known
    return try ScenePredictionScene(path, options, known)
  }
}
