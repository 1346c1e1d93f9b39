package import Recipes

/// What a recipe's data section says about one scene with labelled pixels.
package struct SceneOptions: Sendable {
  /// A file below the root, and the array in it; nil takes the only fitting one.
  package struct Source: Sendable, Equatable {
    package var path: String
    package var variable: String?

    package init(path: String, variable: String? = nil) {
      self.path = path
      self.variable = variable
    }
  }

  /// How spectra are shortened.
  package enum Reduction: Sendable, Equatable {
    case components(Int, whitens: Bool, fit: Recipes.Reduction.Fit)
    case bands([BandReference])
  }

  /// The cube.
  package struct Image: Sendable {
    package var name: String
    package var source: Source
    /// Nil takes all.
    package var bands: [BandReference]?
    package var wavelengths: InputSection.Wavelengths?
    package var unit: String?
    package var scale = 1.0
    package var offset = 0.0
    package var resolution: Double?
    package var noData: Double?
    /// Whether a pixel is missing when any of its bands is, else when all are.
    package var isMissingByAnyBand = true
    package var normalization = RasterNormalization.none
    package var statistics: PDEDataOptions.GivenStatistics?
    /// Whether each band of a patch is brought to mean 0 and deviation 1 at the end.
    package var isStandardizedByPatch = false
    package var reduction: Reduction?
    /// The contract of a trained run, whose numbers stand for those of the files.
    var known: ImageContract?

    package init(name: String, source: Source) {
      self.name = name
      self.source = source
    }
  }

  /// The label image.
  package struct Target: Sendable {
    package var source: Source
    /// Stored value of pixels without a class.
    package var unlabelled = 0.0
    package var classNames: [String]?
    /// Stored value to class.
    package var classOfValue: [String: Int]?
    package var unmapped = TargetSection.Unmapped.error
    /// Class that no loss or metric counts; pixels of such values are unlabelled.
    package var ignoreIndex = 255

    package init(source: Source) { self.source = source }
  }

  /// Where the split's parts come from.
  package enum Split: Sendable {
    case computed(SceneSplit)
    /// Label images of the parts, in which pixels other than 0 belong to it.
    case masks([SplitPart: Source], validationShare: Double?, SceneSplit)
  }

  package var root: String
  package var image: Image
  package var target: Target
  /// Odd side of a patch.
  package var patch: Int
  package var padding = DataSection.Patch.Padding.zero
  package var split: Split
  package var transforms: [any Transform] = []
  /// Labelled pixels with NaN or infinity that is no marker of missing values.
  package var badSamples = BadSamplePolicy()
  /// How patches of a training batch are mixed; nil leaves them.
  package var mixing: BatchMixing?
  /// The target of a trained run, whose classes stand for those of the files.
  var knownTarget: TargetDescription?

  package init(root: String, image: Image, target: Target, patch: Int, split: Split) {
    self.root = root
    self.image = image
    self.target = target
    self.patch = patch
    self.split = split
  }

  /// Side of the square blocks that neighboring pixels are judged in: those of the split, where it is
  /// by blocks.
  package var unitSide: Int {
    if case .computed(let split) = split, case .spatialBlocks(_, let side) = split.method {
      return side
    }
    return 32
  }
}
