import Datasets
import Formats
import Tasks
import Tensors

/// An HDF5 file of predicted trajectories under construction, laid out like the file of its input.
///
/// Arrays keep their paths and the order of their axes; those without a time axis get one. Coordinates,
/// coefficients and attributes of the input are copied, time going on behind the input frames. Shares
/// of cells outside the training range lie in the group `ood`, `[trajectory, frame, field]`.
final class PredictionFile {
  /// A stored array with the fields and components that go into it, in the order of its channels.
  private struct Target {
    let path: String
    let axes: [AxisRole]
    let channels: [(field: Int, component: Int)]
  }

  /// Largest share of cells of a frame outside the range so far; nil where no ranges were given.
  private(set) var largestOutlierShare: Double?
  private let writer: HDF5Writer
  private let file: TrajectoryFile
  private let steps: Int
  private let firstFrame: Int
  private let ranges: [ClosedRange<Double>]?
  private let targets: [Target]

  /// Creates the file with its coordinates.
  ///
  /// - Parameters:
  ///   - path: Final name.
  ///   - file: The input.
  ///   - firstFrame: Number of the first predicted frame in the input's time.
  ///   - steps: Predicted frames.
  ///   - ranges: Training range of each field, where outliers are marked.
  /// - Throws: `FormatError` where the file cannot be made, or the input's coordinates not be read.
  init(
    _ path: String, like file: TrajectoryFile, firstFrame: Int, steps: Int,
    ranges: [ClosedRange<Double>]?
  ) throws {
    self.file = file
    self.steps = steps
    self.firstFrame = firstFrame
    self.ranges = ranges
    targets = Self.targets(file)
    writer = try HDF5Writer(path: path)
    largestOutlierShare = ranges.map { _ in 0 }
    for target in targets {
      for path in Self.paths(target, in: file.stored) {
        try writer.createDataset(path, shape: shape(of: target))
      }
    }
    if let ranges {
      for (name, frames) in [("ood/input", firstFrame), ("ood/prediction", steps)] {
        try writer.createDataset(name, shape: [file.trajectoryCount, frames, ranges.count])
      }
    }
    try copyCoordinates()
  }

  /// Adds one trajectory.
  func append(_ prediction: Trajectory, from window: Tensor, trajectory: Int) throws {
    for target in targets {
      let full = shape(of: target)
      var (start, count) = (full.map { _ in 0 }, full)
      if let axis = target.axes.firstIndex(of: .trajectory) {
        (start[axis], count[axis]) = (trajectory, 1)
      }
      let path =
        file.stored.groups.isEmpty
        ? target.path : "\(file.stored.groups[trajectory])/\(target.path)"
      try writer.write(
        block(of: target, count, from: prediction), to: path, start: start, count: count)
    }
    guard let ranges else { return }
    let input = Trajectory(window.elements(as: Float.self), shape: window.shape)
    for (name, frames) in [("ood/input", input), ("ood/prediction", prediction)] {
      let shares = outlierShares(frames, ranges)
      largestOutlierShare = max(largestOutlierShare ?? 0, Double(shares.max() ?? 0))
      try writer.write(
        shares, to: name, start: [trajectory, 0, 0], count: [1, frames.shape.frames, ranges.count])
    }
  }

  /// Writes attributes, closes and names the file.
  func finish(attributes: [(name: String, value: HDF5Attribute)]) throws {
    let own = Set(attributes.map(\.name))
    let copied = try HDF5File(reading: file.path).attributes().sorted { $0.key < $1.key }
    for (name, value) in copied where !own.contains(name) {
      if case .unsupported = value { continue }
      try writer.setAttribute(name, to: value)
    }
    for attribute in attributes { try writer.setAttribute(attribute.name, to: attribute.value) }
    for target in targets where target.axes.contains(.channel) {
      let names = target.channels.map { file.fields[$0.field].components[$0.component] }
      for path in Self.paths(target, in: file.stored) {
        try writer.setAttribute("channels", of: path, to: .texts(names))
      }
    }
    try writer.finish()
  }

  // MARK: Arrays

  private static func targets(_ file: TrajectoryFile) -> [Target] {
    var arrays: [StoredArray] = []
    var members: [StoredArray: [(position: Int, field: Int, component: Int)]] = [:]
    for (field, request) in file.fields.enumerated() {
      for (component, name) in request.components.enumerated() {
        guard let channel = file.stored.channels.first(where: { $0.name == name }) else { continue }
        if members[channel.array] == nil { arrays.append(channel.array) }
        members[channel.array, default: []].append((channel.position, field, component))
      }
    }
    return arrays.map { array in
      var axes = array.axes
      if !axes.contains(.trajectory), file.stored.groups.isEmpty { axes.insert(.trajectory, at: 0) }
      if !axes.contains(.time) { axes.insert(.time, at: axes.first == .trajectory ? 1 : 0) }
      let channels = (members[array] ?? []).sorted { $0.position < $1.position }
      return Target(
        path: array.path, axes: axes, channels: channels.map { ($0.field, $0.component) })
    }
  }

  private static func paths(_ target: Target, in stored: StoredFields) -> [String] {
    stored.groups.isEmpty ? [target.path] : stored.groups.map { "\($0)/\(target.path)" }
  }

  private func shape(of target: Target) -> [Int] {
    var space = file.frameShape.suffix(file.stored.space.count)
    return target.axes.map { role in
      switch role {
      case .trajectory: file.trajectoryCount
      case .time: steps
      case .space: space.removeFirst()
      case .channel: target.channels.count
      }
    }
  }

  /// The values of an array for one trajectory; space axes lie side by side in every format.
  private func block(of target: Target, _ count: [Int], from frames: Trajectory) -> [Float] {
    let shape = frames.shape
    var (time, channel, cell) = (0, 0, 0)
    var distance = 1
    for (axis, role) in target.axes.enumerated().reversed() {
      switch role {
      case .trajectory: break
      case .time: time = distance
      case .space: cell = cell == 0 ? distance : cell
      case .channel: channel = distance
      }
      distance *= count[axis]
    }
    var values = [Float](repeating: 0, count: distance)
    for step in 0..<shape.frames {
      for (position, place) in target.channels.enumerated() {
        let first =
          ((step * shape.fields + place.field) * shape.components + place.component) * shape.cells
        for index in 0..<shape.cells {
          values[step * time + position * channel + index * cell] = frames.values[first + index]
        }
      }
    }
    return values
  }

  /// Share of cells outside the range for each frame and field.
  private func outlierShares(
    _ frames: Trajectory, _ ranges: [ClosedRange<Double>]
  ) -> [Float] {
    let size = frames.shape.components * frames.shape.cells
    return (0..<frames.shape.frames * ranges.count).map { block in
      let range = ranges[block % ranges.count]
      let outside = frames.values[block * size..<(block + 1) * size]
        .count { !range.contains(Double($0)) }
      return Float(outside) / Float(size)
    }
  }

  // MARK: Coordinates

  /// Copies the coordinates of space, thinned as the frames are, continues those of time, and copies
  /// what each trajectory has one number of.
  private func copyCoordinates() throws {
    let input = try HDF5File(reading: file.path)
    let groups = file.stored.groups.isEmpty ? [""] : file.stored.groups.map { $0 + "/grid/" }
    for group in groups {
      let isGrouped = !group.isEmpty
      let space = isGrouped ? [["x", "y", "z"]] : [Self.pdeBenchSpace, Self.theWellSpace]
      for names in space {
        for (axis, name) in names.prefix(file.stored.space.count).enumerated() {
          guard let values = try coordinate(group + name, in: input),
            values.count == file.stored.space[axis]
          else { continue }
          let kept = stride(from: 0, to: values.count, by: file.thinning.space).map { values[$0] }
          try write(kept, to: group + name)
        }
      }
      for name in isGrouped ? ["t"] : ["t-coordinate", "dimensions/time"] {
        guard let values = try coordinate(group + name, in: input), let first = values.first,
          let interval = file.interval
        else { continue }
        try write(
          (0..<steps).map { first + interval * Double(firstFrame + $0) }, to: group + name)
      }
    }
    for name in file.stored.varyingParameters {
      try write(try input.dataset(name).readDoubles(), to: name)
    }
  }

  private static let pdeBenchSpace = ["x-coordinate", "y-coordinate", "z-coordinate"]
  private static let theWellSpace = ["dimensions/x", "dimensions/y", "dimensions/z"]

  private func coordinate(_ path: String, in input: HDF5File) throws -> [Double]? {
    guard input.kind(of: path) == .dataset else { return nil }
    let dataset = try input.dataset(path)
    return dataset.shape.count == 1 ? try dataset.readDoubles() : nil
  }

  private func write(_ values: [Double], to path: String) throws {
    try writer.createDataset(path, shape: [values.count], type: .float64)
    try writer.write(values, to: path, start: [0], count: [values.count])
  }
}
