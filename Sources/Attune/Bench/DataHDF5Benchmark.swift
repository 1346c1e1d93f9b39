import Datasets
import Formats
import Foundation
import Recipes
import Tensors

/// Reads every trajectory of an HDF5 file, all frames, by the reader of recipes.
struct DataHDF5Benchmark: Benchmark {
  static let name = "data-hdf5"
  static let summary = "reading the trajectories of an HDF5 file"
  static let options = readingOptions.adding([
    Option("dataset", .text, default: .absent, "Dataset, where the file has several.")
  ])

  static func work(
    _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> () throws -> any BenchReport {
    let reading = DataReading(options)
    let dataset = options.optionalText("dataset")
    return {
      let clock = ContinuousClock()
      let start = clock.now
      let file = try open(reading.path, dataset)
      return try reading.result(
        "hdf5", count: file.trajectoryCount, opening: (clock.now - start) / .seconds(1)
      ) { try file.read($0, frames: 0..<file.frameCount) }
    }
  }

  /// The file in the first layout that it has.
  private static func open(_ path: String, _ dataset: String?) throws -> TrajectoryFile {
    let label = URL(filePath: path).lastPathComponent
    var first: (any Error)?
    for format in trajectoryFormats.entries {
      do {
        return try TrajectoryFile(path: path, label: label, format: format, variable: dataset)
      } catch {
        first = first ?? error
      }
    }
    throw first ?? FormatError.fileMissing(path: path)
  }
}
