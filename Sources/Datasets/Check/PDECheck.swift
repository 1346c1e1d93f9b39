import Foundation
import Recipes
import Tensors

/// What a file of trajectories holds: a part of the result of `data check`.
package struct PDECheck: Codable, Sendable, Equatable {
  package struct Field: Codable, Sendable, Equatable {
    package var name: String
    package var components: [String]
  }

  package var path: String
  package var format: String
  package var trajectories: Int
  package var frames: Int
  /// Sizes of the space axes in file order.
  package var space: [Int]
  /// Fields read where a recipe selects none.
  package var fields: [Field]
  /// Everything that a recipe can select.
  package var channels: [String]
  package var interval: Double?
  /// Along the space axes in file order.
  package var spacing: [Double?]
  package var parameters: [String: Double]
  package var varyingParameters: [String]

  /// Reads a whole file once, trajectory by trajectory.
  ///
  /// Without `format` the first that fits is taken. Bad values do not end the check.
  ///
  /// - Returns: what the file holds, and what is wrong with it.
  /// - Throws: `DataError.layoutUnknown` where no format fits, or `FormatError`.
  package static func of(
    _ path: String, format: (any TrajectoryFormat.Type)? = nil
  ) throws -> (check: PDECheck, problems: [DataProblem]) {
    let (file, format) = try opened(path, format)
    let stored = file.stored
    let check = PDECheck(
      path: path, format: format.name, trajectories: stored.trajectoryCount,
      frames: stored.frameCount, space: stored.space,
      fields: file.fields.map { Field(name: $0.name, components: $0.components) },
      channels: stored.channels.map(\.name), interval: stored.interval, spacing: stored.spacing,
      parameters: stored.parameters, varyingParameters: stored.varyingParameters)
    var problems = try values(of: file)
    func warn(_ message: String) {
      problems.append(.init(.coordinates, .warning, file: path, message))
    }
    if stored.frameCount < 2 {
      warn("one frame only: no window has a frame that follows")
    }
    for axis in stored.space.indices where stored.space[axis] > 1 {
      if stored.spacing.isEmpty || stored.spacing[axis] == nil {
        warn("no uniform coordinate for space axis \(axis + 1)")
      }
    }
    if stored.interval == nil, stored.frameCount > 1 {
      warn("no uniform time coordinate")
    }
    return (check, problems)
  }

  /// Name of the first format that fits a file.
  package static func formatName(of path: String) throws -> String {
    try opened(path, nil).1.name
  }

  /// The first format that describes the file; the last refusal where none does.
  private static func opened(
    _ path: String, _ format: (any TrajectoryFormat.Type)?
  ) throws -> (TrajectoryFile, any TrajectoryFormat.Type) {
    if let format { return (try TrajectoryFile(path: path, label: path, format: format), format) }
    var refusal: DataError?
    for candidate in trajectoryFormats.entries {
      do {
        return (try TrajectoryFile(path: path, label: path, format: candidate), candidate)
      } catch let error as DataError {
        refusal = error
      }
    }
    throw refusal
      ?? DataError.layoutUnknown(
        path: path, format: "PDE data", expected: "a known format", available: [])
  }

  /// Values that are not finite, fields that never vary, trajectories that start alike.
  private static func values(of file: TrajectoryFile) throws -> [DataProblem] {
    var problems: [DataProblem] = []
    var moments = [Moments](repeating: Moments(), count: file.fields.count)
    var firstWithStart: [String: String] = [:]
    for trajectory in 0..<file.trajectoryCount {
      do {
        let values = try file.read(trajectory, frames: 0..<file.frameCount)
        for (field, piece) in values.fieldMoments().enumerated() { moments[field].join(piece) }
        let name = file.identifier(trajectory)
        let start = values.slice(0..<1).withElements(of: Float.self) {
          SHA256Digest.of(Data(buffer: $0))
        }
        if let twin = firstWithStart[start] {
          problems.append(
            .init(.duplicate, .warning, file: file.path, id: name, "starts as \(twin) does"))
        } else {
          firstWithStart[start] = name
        }
      } catch {
        problems.append(
          .init(
            error is DataError ? .notFinite : .unreadable, .error, file: file.path,
            id: file.identifier(trajectory), "\(error)"))
      }
    }
    for (field, moments) in zip(file.fields, moments)
    where moments.count > 0 && moments.variance == 0 {
      problems.append(
        .init(
          .constantBand, .warning, file: file.path, component: field.name,
          "the field is \(moments.mean) throughout"))
    }
    return problems
  }
}

/// Statistics per field over all trajectories of some files: the result of `data stats`.
///
/// `selection` nil takes the format's standard fields. Throws `DataError` or `FormatError`.
package func pdeStatistics(
  of paths: [String], format: any TrajectoryFormat.Type, selecting selection: [FieldRequest]? = nil
) throws -> [FieldStatistics] {
  let set = try TrajectorySet(
    try paths.map {
      try TrajectoryFile(path: $0, label: $0, format: format, selecting: selection)
    })
  return try FieldStatistics.of(Array(0..<set.count), in: set) { try set.read($0) }
}
