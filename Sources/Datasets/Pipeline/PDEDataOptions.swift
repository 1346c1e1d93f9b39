/// What a recipe's data section says about PDE trajectories.
package struct PDEDataOptions: Sendable {
  /// Means and deviations of the fields, where the recipe gives them.
  package struct GivenStatistics: Codable, Sendable, Equatable {
    package var means: [Double]
    package var stds: [Double]

    package init(means: [Double], stds: [Double]) {
      self.means = means
      self.stds = stds
    }
  }

  /// Whether trajectories stay in memory; changes speed only.
  package enum Cache: Sendable, Equatable {
    /// In memory while all fit into `PDEData.memoryLimit`.
    case automatic
    case memory
    case none
  }

  package var format: any TrajectoryFormat.Type
  /// Folder that the other paths start from.
  package var root: String
  /// Files below `root`; nil reads the whole folder, or what the split names.
  package var files: String?
  /// Dataset in the files, where the format's own is not meant.
  package var variable: String?
  /// Fields in the wanted order; nil takes the format's standard ones.
  package var fields: [FieldRequest]?
  package var thinning = Thinning()
  /// Keep every k-th trajectory.
  package var reducedBatch = 1
  package var normalization = FieldNormalization.zscore
  /// Nil computes them from the training trajectories.
  package var statistics: GivenStatistics?
  package var inputFrames = 1
  /// Frames between the starts of two windows.
  package var windowStride = 1
  package var split: SplitPlan
  package var cache = Cache.automatic
  /// Trajectories that cannot be read or hold NaN or infinity.
  package var badSamples = BadSamplePolicy()

  package init(
    format: any TrajectoryFormat.Type, root: String, files: String? = nil, split: SplitPlan
  ) {
    self.format = format
    self.root = root
    self.files = files
    self.split = split
  }
}
