package import Formats
import Recipes

/// PDEBench's HDF5 files in all their layouts.
///
/// - `tensor` `[n, t, space…]`, a steady solution having one time; other coefficient fields
///   `[n, space…]` beside it (`nu` of Darcy flow).
/// - `Vx`, `Vy`, `Vz`, `density`, `pressure` `[n, t, space…]` (compressible flow).
/// - `velocity` `[n, t, y, x, 2]` and `force` `[n, y, x, 2]` (incompressible flow).
/// - One group per trajectory with `data` `[t, space…, channel]`.
package enum PDEBenchFormat: TrajectoryFormat {
  package static let name = "pdebench"
  package static let summary = "PDEBench HDF5: tensor, named fields, or one group per trajectory"
  package static let suffixes = ["hdf5", "h5"]

  private static let velocities = ["Vx", "Vy", "Vz"]
  private static let scalars = ["density", "pressure"]
  private static let coordinates = ["x-coordinate", "y-coordinate", "z-coordinate"]

  package static func describe(_ file: HDF5File, variable: String?) throws -> StoredFields {
    let datasets = try file.datasets()
    if let variable { return try tensor(variable, in: file) }
    if datasets.contains("tensor") { return try tensor("tensor", in: file) }
    if datasets.contains("velocity") { return try incompressible(file) }
    if datasets.contains(where: { (velocities + scalars).contains($0) }) {
      return try compressible(file, names: datasets)
    }
    let groups = try file.children(of: "").filter { file.kind(of: $0 + "/data") == .dataset }
    if !groups.isEmpty { return try grouped(file, groups: groups) }
    throw DataError.layoutUnknown(
      path: file.path, format: name,
      expected: "a dataset `tensor`, `velocity`, or `density`, or groups with `data`",
      available: try file.objects().map(\.path))
  }

  private static func tensor(_ path: String, in file: HDF5File) throws -> StoredFields {
    let dataset = try file.dataset(path)
    guard (3...5).contains(dataset.shape.count) else {
      throw DataError.wrongRank(
        path: file.path, dataset: path, expected: 3, found: dataset.shape)
    }
    let space = Array(dataset.shape.dropFirst(2))
    let spaceAxes = space.map { _ in AxisRole.space }
    var channels = [
      Channel(name: "u", array: StoredArray(path: path, axes: [.trajectory, .time] + spaceAxes))
    ]
    for other in try file.datasets() where other != path {
      guard try file.dataset(other).shape == [dataset.shape[0]] + space else { continue }
      channels.append(
        Channel(name: other, array: StoredArray(path: other, axes: [.trajectory] + spaceAxes)))
    }
    var fields = StoredFields(
      trajectoryCount: dataset.shape[0], frameCount: dataset.shape[1], space: space,
      channels: channels, standard: [FieldRequest("u")])
    try addCoordinates(of: file, to: &fields)
    return fields
  }

  private static func compressible(_ file: HDF5File, names: [String]) throws -> StoredFields {
    let vector = velocities.filter(names.contains)
    let present = vector + scalars.filter(names.contains)
    let first = try file.dataset(present[0])
    guard (3...5).contains(first.shape.count) else {
      throw DataError.wrongRank(
        path: file.path, dataset: first.path, expected: 3, found: first.shape)
    }
    let axes: [AxisRole] =
      [.trajectory, .time] + [AxisRole](repeating: .space, count: first.shape.count - 2)
    for other in present.dropFirst() {
      let dataset = try file.dataset(other)
      guard dataset.shape == first.shape else { throw shapesDiffer(first, dataset) }
    }
    let scalarFields = scalars.filter(names.contains).map { FieldRequest($0) }
    let vectorField = vector.count > 1 ? [FieldRequest("V", components: vector)] : []
    let standard = vector.count == 1 ? [FieldRequest(vector[0])] : vectorField
    var fields = StoredFields(
      trajectoryCount: first.shape[0], frameCount: first.shape[1],
      space: Array(first.shape.dropFirst(2)),
      channels: present.map { Channel(name: $0, array: StoredArray(path: $0, axes: axes)) },
      standard: standard + scalarFields)
    try addCoordinates(of: file, to: &fields)
    return fields
  }

  private static func incompressible(_ file: HDF5File) throws -> StoredFields {
    let velocity = try file.dataset("velocity")
    let axes: [AxisRole] = [.trajectory, .time, .space, .space, .channel]
    try requireAxes(velocity, axes)
    let shape = velocity.shape
    func components(_ path: String, _ axes: [AxisRole], count: Int) -> [Channel] {
      ["x", "y", "z"].prefix(count).enumerated().map { position, suffix in
        Channel(
          name: "\(path)_\(suffix)", array: StoredArray(path: path, axes: axes), position: position)
      }
    }
    var channels = components("velocity", axes, count: shape[4])
    let velocityField = FieldRequest("velocity", components: channels.map(\.name))
    if file.kind(of: "force") == .dataset {
      let force = try file.dataset("force")
      let constantAxes: [AxisRole] = [.trajectory, .space, .space, .channel]
      try requireAxes(force, constantAxes)
      guard force.shape == [shape[0]] + shape[2...] else { throw shapesDiffer(velocity, force) }
      channels += components("force", constantAxes, count: shape[4])
    }
    var fields = StoredFields(
      trajectoryCount: shape[0], frameCount: shape[1], space: Array(shape[2...3]),
      channels: channels, standard: [velocityField])
    try addCoordinates(of: file, to: &fields)
    return fields
  }

  private static func grouped(_ file: HDF5File, groups: [String]) throws -> StoredFields {
    let first = try file.dataset(groups[0] + "/data")
    guard (3...5).contains(first.shape.count) else {
      throw DataError.wrongRank(
        path: file.path, dataset: first.path, expected: 3, found: first.shape)
    }
    for group in groups.dropFirst() {
      let dataset = try file.dataset(group + "/data")
      guard dataset.shape == first.shape else { throw shapesDiffer(first, dataset) }
    }
    let space = Array(first.shape.dropFirst().dropLast())
    let axes: [AxisRole] = [.time] + space.map { _ in .space } + [.channel]
    let names = channelNames(count: first.shape[first.shape.count - 1], spaceAxes: space.count)
    var fields = StoredFields(
      trajectoryCount: groups.count, frameCount: first.shape[0], space: space,
      channels: names.enumerated().map {
        Channel(name: $1, array: StoredArray(path: "data", axes: axes), position: $0)
      },
      standard: names.map { FieldRequest($0) })
    fields.groups = groups
    fields.spacing = try ["x", "y", "z"].prefix(space.count).map {
      try file.step(of: "\(groups[0])/grid/\($0)")
    }
    fields.interval = try file.step(of: "\(groups[0])/grid/t")
    return fields
  }

  /// The channels of PDEBench's grouped sets are not named in the files: diffusion-reaction has two,
  /// shallow water the height, diffusion-sorption (one space axis) the concentration.
  private static func channelNames(count: Int, spaceAxes: Int) -> [String] {
    switch (count, spaceAxes) {
    case (2, 2): ["activator", "inhibitor"]
    case (1, 2): ["h"]
    case (1, _): ["u"]
    default: (0..<count).map { "channel\($0)" }
    }
  }

  private static func addCoordinates(
    of file: HDF5File, to fields: inout StoredFields
  ) throws(FormatError) {
    var spacing: [Double?] = []
    for coordinate in coordinates.prefix(fields.space.count) {
      spacing.append(try file.step(of: coordinate))
    }
    fields.spacing = spacing
    fields.interval = try file.step(of: "t-coordinate")
    fields.parameters = try file.numericAttributes()
    fields.varyingParameters = try file.perTrajectoryDatasets(fields.trajectoryCount)
  }
}
