package import Recipes

/// What a recipe's data section says about raster files.
package struct RasterOptions: Sendable {
  /// One named input.
  package struct Input: Sendable {
    package var name: String
    /// Files below the root; `*` binds a sample's identifier.
    package var pattern: String
    package var bands: [BandReference]?
    /// Names for files without them.
    package var fileBands: [BandReference]?
    package var wavelengths: Wavelengths?
    package var unit: String?
    package var scale = 1.0
    package var offset = 0.0
    package var resolution: Double?
    package var noData: Double?
    /// What stands in the place of a missing value after normalization.
    package var replacement = 0.0
    /// Whether a pixel is missing when any of its bands is, else when all are.
    package var isMissingByAnyBand = true
    package var normalization = RasterNormalization.zscore
    package var statistics: PDEDataOptions.GivenStatistics?

    package init(name: String, pattern: String) {
      self.name = name
      self.pattern = pattern
    }
  }

  /// Band centers that the recipe gives.
  package enum Wavelengths: Sendable, Equatable {
    case values([Double])
    case linear(from: Double, to: Double)
  }

  /// Windows of this side, this far apart.
  package struct Patch: Sendable, Equatable {
    package var size: Int
    package var stride: Int

    package init(size: Int, stride: Int) {
      self.size = size
      self.stride = stride
    }
  }

  package var format: any RasterFormat.Type
  package var root: String
  package var inputs: [Input]
  package var patch: Patch?
  package var split: RasterSplit
  package var transforms: [any Transform] = []
  /// Nil where the task takes none.
  package var target: RasterTarget?
  /// How inputs are made from clean images.
  package var degradation: DegradationSequence?
  /// The target of a trained run, whose classes stand for those of the files.
  var knownTarget: TargetDescription?

  package init(
    format: any RasterFormat.Type, root: String, inputs: [Input], patch: Patch? = nil,
    split: RasterSplit
  ) {
    self.format = format
    self.root = root
    self.inputs = inputs
    self.patch = patch
    self.split = split
  }
}

/// How values of a raster are normalized before a model sees them, band by band.
package enum RasterNormalization: String, Sendable, CaseIterable {
  /// (x − mean) / std.
  case zscore
  /// clip((x − mean + 2 std) / (4 std), 0, 1).
  case twoSigma = "two-sigma"
  /// (x − minimum) / (maximum − minimum) of the training part.
  case minmax
  case none
}
