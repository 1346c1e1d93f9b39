package import Formats
package import Recipes

/// A layout of trajectories in HDF5 files.
///
/// A format only says where things lie; reading, splitting, normalizing and batching are common to
/// all. A new one is one file here and one line in `trajectoryFormats`.
package protocol TrajectoryFormat: DataFormat {
  /// Ends of file names, without the dot, which a folder is searched for.
  static var suffixes: [String] { get }

  /// Finds the fields of a file, or of the dataset `variable` where the recipe names one.
  ///
  /// Throws `DataError.layoutUnknown`, `.wrongRank`, `.shapesDiffer`, or `FormatError`.
  static func describe(_ file: HDF5File, variable: String?) throws -> StoredFields
}

/// All formats of trajectories.
package let trajectoryFormats = Registry<any TrajectoryFormat.Type>(
  kind: "data format",
  [
    PDEBenchFormat.self,
    PDEGymFormat.self,
    TheWellFormat.self,
  ])

extension TrajectoryFormat {
  package static var options: OptionTable { [] }

  package static func plan(
    _ section: DataSection, target: TargetKind, _ diagnostics: Diagnostics
  ) -> (any DataSetPlan)? {
    guard target == .frames else {
      diagnostics.error(
        .rule(
          "\(name) holds fields over time, the task needs "
            + (target == .none ? "images" : target.meaning),
          mend: "choose task pde, or a format of images"),
        at: section.format.location, path: "data.format")
      return nil
    }
    return PDEDataOptions(section, diagnostics)
  }

  /// Refuses a dataset that has not one axis per role.
  static func requireAxes(_ dataset: HDF5Dataset, _ axes: [AxisRole]) throws(DataError) {
    guard dataset.shape.count == axes.count else {
      throw .wrongRank(
        path: dataset.file.path, dataset: dataset.path, expected: axes.count, found: dataset.shape)
    }
  }

  static func shapesDiffer(
    _ first: HDF5Dataset, _ second: HDF5Dataset
  ) -> DataError {
    .shapesDiffer(
      path: first.file.path, first: first.path, firstShape: first.shape, second: second.path,
      secondShape: second.shape)
  }
}
