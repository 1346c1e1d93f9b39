package import Formats
import Recipes

/// The Well: scalars in `t0_fields` `[n, t, space…]`, vectors in `t1_fields` `[n, t, space…, D]`.
///
/// A field drops the trajectory or time axis along which its attributes say that it does not vary.
/// Standard fields are all vectors, then all scalars, each sorted by name, that vary in time; those
/// that do not are read where the recipe names them. Tensors of `t2_fields` are not read.
package enum TheWellFormat: TrajectoryFormat {
  package static let name = "the-well"
  package static let summary = "The Well HDF5: t0_fields and t1_fields, axes (trajectory, time, x…)"
  package static let suffixes = ["hdf5", "h5"]

  package static func describe(_ file: HDF5File, variable: String?) throws -> StoredFields {
    var paths: [String] = []
    for group in ["t1_fields", "t0_fields"] where file.kind(of: group) == .group {
      paths += try file.datasets(in: group).map { "\(group)/\($0)" }
    }
    if let variable { paths.removeAll { $0 != variable } }
    guard !paths.isEmpty else {
      throw DataError.layoutUnknown(
        path: file.path, format: name,
        expected: variable ?? "datasets in the groups `t0_fields` or `t1_fields`",
        available: try file.objects().map(\.path))
    }
    let stored = try paths.map { try Field(file: file, path: $0) }
    let varying = stored.filter { $0.axes.contains(.trajectory) && $0.axes.contains(.time) }
    guard let first = varying.first else {
      throw DataError.layoutUnknown(
        path: file.path, format: name, expected: "a field that varies in time", available: paths)
    }
    for other in stored where other.space != first.space {
      throw shapesDiffer(first.dataset, other.dataset)
    }
    for other in varying where other.dataset.shape[0..<2] != first.dataset.shape[0..<2] {
      throw shapesDiffer(first.dataset, other.dataset)
    }
    var fields = StoredFields(
      trajectoryCount: first.dataset.shape[0], frameCount: first.dataset.shape[1],
      space: first.space, channels: stored.flatMap(\.channels),
      standard: varying.map { FieldRequest($0.name, components: $0.channels.map(\.name)) })
    fields.spacing = try ["x", "y", "z"].prefix(first.space.count).map {
      try file.step(of: "dimensions/\($0)")
    }
    fields.interval = try file.step(of: "dimensions/time")
    if file.kind(of: "scalars") == .group {
      fields.varyingParameters = try file.perTrajectoryDatasets(
        fields.trajectoryCount, in: "scalars")
    }
    return fields
  }

  private struct Field {
    let name: String
    let dataset: HDF5Dataset
    let axes: [AxisRole]
    let channels: [Channel]

    /// Sizes of the space axes.
    var space: [Int] { zip(axes, dataset.shape).filter { $0.0 == .space }.map(\.1) }

    init(file: HDF5File, path: String) throws {
      let dataset = try file.dataset(path)
      let isVector = path.hasPrefix("t1_fields/")
      func varies(_ attribute: String) throws(FormatError) -> Bool {
        guard case .numbers(let flags) = try file.attribute(attribute, of: path) else {
          return true
        }
        return flags.allSatisfy { $0 != 0 }
      }
      guard try varies("dim_varying") else {
        throw DataError.layoutUnknown(
          path: file.path, format: TheWellFormat.name,
          expected: "'\(path)' to vary along all space axes", available: [])
      }
      var axes: [AxisRole] = []
      if try varies("sample_varying") { axes.append(.trajectory) }
      if try varies("time_varying") { axes.append(.time) }
      let spaceCount = dataset.shape.count - axes.count - (isVector ? 1 : 0)
      guard (1...3).contains(spaceCount) else {
        throw DataError.wrongRank(
          path: file.path, dataset: path, expected: axes.count + (isVector ? 2 : 1),
          found: dataset.shape)
      }
      axes += [AxisRole](repeating: .space, count: spaceCount)
      if isVector { axes.append(.channel) }

      let name = String(path.drop { $0 != "/" }.dropFirst())
      let array = StoredArray(path: path, axes: axes)
      self.name = name
      self.dataset = dataset
      self.axes = axes
      channels =
        isVector
        ? ["x", "y", "z"].prefix(dataset.shape.last ?? 0).enumerated().map {
          Channel(name: "\(name)_\($1)", array: array, position: $0)
        }
        : [Channel(name: name, array: array)]
    }
  }
}
