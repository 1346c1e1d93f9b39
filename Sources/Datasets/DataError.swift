package import Recipes

/// What can be wrong with data and with what a recipe asks of them; texts are in `DataError+Text`.
package enum DataError: ExitCoded, Sendable, Equatable {
  /// A plan of `data make` asks for what there is not.
  case planInvalid(key: String, found: String, expected: String)
  /// A solver cannot give the accuracy it promises.
  case solverFailed(equation: String, reason: String, remedy: String)

  /// No file matches.
  case noFiles(pattern: String, suffixes: [String], available: [String])
  /// A file does not look like the format.
  case layoutUnknown(path: String, format: String, expected: String, available: [String])
  /// A dataset has another number of axes than its format.
  case wrongRank(path: String, dataset: String, expected: Int, found: [Int])
  /// Datasets that belong together have different shapes.
  case shapesDiffer(
    path: String, first: String, firstShape: [Int], second: String, secondShape: [Int])
  /// A file without trajectories, frames or points.
  case empty(path: String, trajectories: Int, frames: Int, space: [Int])
  /// A field that the recipe selects is not in the file.
  case fieldMissing(field: String, path: String, available: [String])
  /// Vectors of different lengths cannot share the component axis.
  case componentsDiffer(path: String, fields: [String], components: [Int])
  /// NaN or infinity among the values.
  case notFinite(path: String, trajectory: String, frame: Int, field: String)
  /// Files of one source do not belong together.
  case filesDiffer(
    property: String, first: String, expected: String, second: String, found: String)

  /// A value of the recipe's data section that does not fit the data.
  case optionInvalid(key: String, found: String, expected: String)
  /// One trajectory or file in two parts of a split.
  case splitOverlap(identifier: String, first: String, second: String)
  /// A field that does not vary cannot be normalized by its deviation.
  case constantField(field: String, value: Double)

  /// A band that the recipe selects is not in the file.
  case bandMissing(band: String, input: String, path: String, available: [String])
  /// A file to predict from with other bands than the run's.
  case bandCountDiffers(path: String, input: String, expected: [String], found: [String])
  /// Two files of one input stand for the same sample.
  case identifierTwice(identifier: String, first: String, second: String)
  /// An area of M3LEO without a component.
  case componentMissing(component: String, area: String, folder: String, available: [String])
  /// A sample that lacks a file, one of so many.
  case sampleIncomplete(identifier: String, reason: String, count: Int)
  /// More samples are bad than the recipe lets be left out.
  case tooManyBad(count: Int, of: Int, allowed: Int, examples: [String])
  /// More of the test part lies on training ground than the recipe allows, as shares.
  case footprintsOverlap(found: Double, allowed: Double, example: String)
  /// NaN or infinity in a raster that is no marker of missing values.
  case valueNotFinite(path: String, band: String, input: String)
  /// A band without a single valid value in the training part.
  case bandWithoutValues(band: String, input: String)
  /// Statistics of the recipe that cannot be of these data.
  case statisticsForeign(
    band: String, input: String, found: Double, given: Double, deviations: Double)
  /// A band that does not vary cannot be normalized by its spread.
  case constantBand(band: String, input: String, value: Double)

  /// Classes that no pixel of the training part has.
  case classesNotTrained(names: [String], part: String)
  /// More of one part is seen in another than the recipe allows, as shares.
  case leakTooLarge(found: Double, allowed: Double)
  /// Several arrays of a file could be meant.
  case variableAmbiguous(path: String, key: String, available: [String])

  /// A sample that cannot be stored beside the others.
  case samplesDiffer(sample: String, field: String, found: [Int], expected: [Int])

  /// A list of files names one that is not there.
  case listedFileMissing(list: String, file: String)
  /// A list of files that is empty or no text.
  case listEmpty(path: String)

  /// Whether it tells of one file among many, which may be left out.
  var isOfOneFile: Bool {
    switch self {
    case .valueNotFinite, .empty, .notFinite: true
    default: false
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .planInvalid: .wrongCommandLine
    case .solverFailed: .failed
    case .noFiles, .listedFileMissing: .inputMissing
    case .optionInvalid, .fieldMissing, .bandMissing, .splitOverlap: .invalidRecipe
    case .listEmpty, .layoutUnknown, .wrongRank, .shapesDiffer, .empty, .componentsDiffer,
      .notFinite,
      .filesDiffer, .constantField, .identifierTwice, .statisticsForeign, .componentMissing,
      .sampleIncomplete,
      .tooManyBad,
      .footprintsOverlap, .valueNotFinite,
      .bandWithoutValues, .constantBand, .classesNotTrained, .leakTooLarge, .variableAmbiguous,
      .samplesDiffer, .bandCountDiffers:
      .malformedData
    }
  }
}
