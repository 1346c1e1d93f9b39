package import Tensors

/// Trajectories of several files of equal fields, grid and length, numbered through.
package struct TrajectorySet: Sendable {
  /// In sorted order.
  package let files: [TrajectoryFile]
  /// File and place of each trajectory.
  private let places: [(file: Int, trajectory: Int)]

  /// Joins files, keeping every `reducedBatch`-th trajectory of all.
  ///
  /// - Throws: `DataError.filesDiffer`.
  package init(_ files: [TrajectoryFile], reducedBatch: Int = 1) throws(DataError) {
    precondition(!files.isEmpty && reducedBatch > 0, "a set of \(files.count) files")
    let first = files[0]
    for other in files.dropFirst() {
      let differences: [(String, String, String)] = [
        ("fields", "\(first.fields.map(\.name))", "\(other.fields.map(\.name))"),
        ("frame shape (F, C, D, H, W)", "\(first.frameShape)", "\(other.frameShape)"),
        ("frames", "\(first.frameCount)", "\(other.frameCount)"),
      ]
      for (property, expected, found) in differences where expected != found {
        throw .filesDiffer(
          property: property, first: first.path, expected: expected, second: other.path,
          found: found)
      }
      if let a = first.interval, let b = other.interval, abs(a - b) > 1e-4 * a {
        throw .filesDiffer(
          property: "time between frames", first: first.path, expected: "\(a)", second: other.path,
          found: "\(b)")
      }
    }
    self.files = files
    let all = files.enumerated().flatMap { number, file in
      (0..<file.trajectoryCount).map { (file: number, trajectory: $0) }
    }
    places = stride(from: 0, to: all.count, by: reducedBatch).map { all[$0] }
  }

  package var count: Int { places.count }
  package var fields: [FieldRequest] { files[0].fields }
  /// F, C, D, H, W.
  package var frameShape: [Int] { files[0].frameShape }
  package var frameCount: Int { files[0].frameCount }

  /// Name of a trajectory: file and place in it.
  package func identifier(_ unit: Int) -> String {
    files[places[unit].file].identifier(places[unit].trajectory)
  }

  /// The file that holds a trajectory.
  package func file(of unit: Int) -> TrajectoryFile { files[places[unit].file] }

  /// Frames of one trajectory as stored, `[t, F, C, D, H, W]`.
  package func read(_ unit: Int, frames: Range<Int>? = nil) throws -> Tensor {
    try files[places[unit].file].read(
      places[unit].trajectory, frames: frames ?? 0..<frameCount)
  }
}
