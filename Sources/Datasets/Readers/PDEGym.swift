package import Formats
import Recipes

/// PDEgym (Poseidon): NetCDF-4 files with one variable `[trajectory, time, channel, x, y]`.
package enum PDEGymFormat: TrajectoryFormat {
  package static let name = "pdegym"
  package static let summary = "PDEgym NetCDF-4: solution, velocity or data with a channel axis"
  package static let suffixes = ["nc", "h5", "hdf5"]

  package static func describe(_ file: HDF5File, variable: String?) throws -> StoredFields {
    let known = ["solution", "velocity", "data"]
    guard let path = try variable ?? known.first(where: { try file.datasets().contains($0) })
    else {
      throw DataError.layoutUnknown(
        path: file.path, format: name, expected: "a variable `solution`, `velocity` or `data`",
        available: try file.objects().map(\.path))
    }
    let dataset = try file.dataset(path)
    let axes: [AxisRole] = [.trajectory, .time, .channel, .space, .space]
    try requireAxes(dataset, axes)
    let shape = dataset.shape
    let (names, standard) = contents(of: path, channelCount: shape[2])
    return StoredFields(
      trajectoryCount: shape[0], frameCount: shape[1], space: Array(shape[3...4]),
      channels: names.enumerated().map {
        Channel(name: $1, array: StoredArray(path: path, axes: axes), position: $0)
      },
      standard: standard)
  }

  /// Names after the data cards of the sets; energy and tracers are read only where asked for.
  private static func contents(
    of variable: String, channelCount: Int
  ) -> (channels: [String], standard: [FieldRequest]) {
    let velocity = FieldRequest("V", components: ["u", "v"])
    switch channelCount {
    case 5:
      let last = variable == "data" ? "E" : "tracer"
      return (
        ["rho", "u", "v", "p", last], [velocity, FieldRequest("rho"), FieldRequest("p")]
      )
    case 3 where variable == "velocity": return (["u", "v", "tracer"], [velocity])
    case 2: return (["u", "v"], [velocity])
    case 1: return (["u"], [FieldRequest("u")])
    default:
      let names = (0..<channelCount).map { "channel\($0)" }
      return (names, names.map { FieldRequest($0) })
    }
  }
}
