package import Recipes

/// What a recipe's data section says about raster files.
package struct RasterOptions: Sendable {
  /// One named input.
  package struct Input: Sendable {
    package var name: String
    /// How its files are named and opened.
    package var source: RasterSource
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
    /// Whether they are a trained run's, which other data may lie far from.
    var statisticsAreARuns = false
    /// The same for each group, where statistics are kept apart.
    package var groupStatistics: [String: PDEDataOptions.GivenStatistics] = [:]
    /// Height and width that its values are brought to; nil leaves the file's.
    package var size: Size?
    /// Whether a sample with a constant band counts as bad.
    package var skipsConstantBands = false

    package init(name: String, pattern: String) {
      self.init(name: name, source: RasterSource(pattern: pattern))
    }

    package init(name: String, source: RasterSource) {
      self.name = name
      self.source = source
    }
  }

  /// Band centers that the recipe gives.
  package enum Wavelengths: Sendable, Equatable {
    case values([Double])
    case linear(from: Double, to: Double)
  }

  /// Rows and columns.
  package struct Size: Sendable, Equatable {
    package var height: Int
    package var width: Int

    package init(height: Int, width: Int) {
      self.height = height
      self.width = width
    }
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
  package var catalog: any RasterCatalog
  package var root: String
  package var inputs: [Input]
  package var patch: Patch?
  package var split: RasterSplit
  package var transforms: [any Transform] = []
  /// How samples of a training batch are mixed; nil leaves them.
  package var mixing: BatchMixing?
  /// Nil where the task takes none.
  package var target: RasterTarget?
  /// How inputs are made from clean images.
  package var degradation: DegradationSequence?
  /// Samples that cannot be read or have no valid value.
  package var badSamples = BadSamplePolicy()
  /// Most bytes of decoded files that are kept in memory, of all files together.
  package var keptByteCount = PDEData.memoryLimit
  /// Largest share of test samples that may lie on the ground of training samples.
  package var maximumLeak = 1.0
  /// The target of a trained run, whose classes stand for those of the files.
  var knownTarget: TargetDescription?

  package init(
    format: any RasterFormat.Type, catalog: any RasterCatalog = PatternCatalog(), root: String,
    inputs: [Input], patch: Patch? = nil, split: RasterSplit
  ) {
    self.format = format
    self.catalog = catalog
    self.root = root
    self.inputs = inputs
    self.patch = patch
    self.split = split
  }

  /// A file as the channels of an input.
  func open(_ path: String, as input: Input) throws -> PixelFile {
    try input.source.reader?(path) ?? format.open(path)
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
