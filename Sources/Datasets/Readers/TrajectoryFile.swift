import Formats
package import Tensors

/// Which points and frames of a file are kept: every k-th, the first always.
package struct Thinning: Sendable, Equatable {
  /// Along each space axis.
  package var space: Int
  /// Along time.
  package var time: Int

  package init(space: Int = 1, time: Int = 1) {
    precondition(space > 0 && time > 0, "thinning by \(space) in space and \(time) in time")
    self.space = space
    self.time = time
  }

  /// Entries left of `count`.
  static func remaining(_ count: Int, every step: Int) -> Int { (count + step - 1) / step }
}

/// One file of trajectories, read part by part in UPTF-7 order.
///
/// Frames are (F, C, D, H, W): fields, components, depth, height, width; axes that the data lack have
/// size 1, and a scalar beside a vector is repeated along C.
package struct TrajectoryFile: Sendable {
  /// Path on disk.
  package let path: String
  /// Name in identifiers: the path below the data's root.
  package let label: String
  package let stored: StoredFields
  /// Selected fields in their order.
  package let fields: [FieldRequest]
  package let thinning: Thinning
  private let file: HDF5File
  private let components: [[Channel]]
  /// Open datasets of files whose arrays have a trajectory axis.
  private let datasets: [String: HDF5Dataset]

  /// Opens a file and selects fields.
  ///
  /// - Parameters:
  ///   - path: Path on disk.
  ///   - label: Name in identifiers.
  ///   - format: How the file is laid out.
  ///   - variable: Dataset to read, where the recipe names one.
  ///   - selection: Fields in the wanted order; nil takes the format's standard ones.
  ///   - thinning: Points and frames to keep.
  /// - Throws: `DataError` for what does not fit, `FormatError` for an unreadable file.
  package init(
    path: String, label: String, format: any TrajectoryFormat.Type, variable: String? = nil,
    selecting selection: [FieldRequest]? = nil, thinning: Thinning = Thinning()
  ) throws {
    file = try HDF5File(reading: path)
    self.path = path
    self.label = label
    self.thinning = thinning
    stored = try format.describe(file, variable: variable)
    guard stored.trajectoryCount > 0, stored.frameCount > 0, !stored.space.contains(0) else {
      throw DataError.empty(
        path: path, trajectories: stored.trajectoryCount, frames: stored.frameCount,
        space: stored.space)
    }
    let requested = selection ?? stored.standard
    var components: [[Channel]] = []
    for field in requested { components.append(try stored.channels(of: field, in: path)) }
    let counts = Set(components.map(\.count)).subtracting([1])
    guard counts.count <= 1 else {
      throw DataError.componentsDiffer(
        path: path, fields: requested.map(\.name), components: components.map(\.count))
    }
    self.components = components
    var datasets: [String: HDF5Dataset] = [:]
    if stored.groups.isEmpty {
      for array in Set(components.joined().map(\.array)) {
        datasets[array.path] = try file.dataset(array.path)
      }
    }
    self.datasets = datasets
    fields = zip(requested, components).map { FieldRequest($0.name, components: $1.map(\.name)) }
  }

  package var trajectoryCount: Int { stored.trajectoryCount }
  /// Frames of a trajectory after thinning.
  package var frameCount: Int { Thinning.remaining(stored.frameCount, every: thinning.time) }
  /// Time between kept frames, where the file says it.
  package var interval: Double? { stored.interval.map { $0 * Double(thinning.time) } }

  /// F, C, D, H, W of a frame after thinning.
  package var frameShape: [Int] {
    let space = stored.space.map { Thinning.remaining($0, every: thinning.space) }
    let padded = [Int](repeating: 1, count: 3 - space.count) + space
    return [fields.count, components.map(\.count).max() ?? 1] + padded
  }

  /// Spacing of kept points along D, H, W; nil where it is unknown or the axis has one point.
  package var spacing: [Double?] {
    let known = stored.spacing.isEmpty ? stored.space.map { _ in nil } : stored.spacing
    return [Double?](repeating: nil, count: 3 - known.count)
      + known.map { $0.map { $0 * Double(thinning.space) } }
  }

  /// `trajectories.hdf5#17`, or with the name of the group for grouped files.
  package func identifier(_ trajectory: Int) -> String {
    "\(label)#\(stored.groups.isEmpty ? String(trajectory) : stored.groups[trajectory])"
  }

  /// Frames `frames` of one trajectory, `[t, F, C, D, H, W]`, of which only these are read.
  ///
  /// - Throws: `DataError.notFinite` naming trajectory, frame and field, or `FormatError`.
  package func read(_ trajectory: Int, frames: Range<Int>) throws -> Tensor {
    precondition(
      trajectory < trajectoryCount && frames.upperBound <= frameCount && !frames.isEmpty,
      "\(identifier(trajectory)): frames \(frames) of \(frameCount)")
    let tensor = Tensor(uninitialized: [frames.count] + frameShape)
    if let array = wholeArray {
      try read(array, of: trajectory, frames: frames, into: tensor)
      try requireFinite(tensor, trajectory, firstFrame: frames.lowerBound)
      return tensor
    }
    var blocks: [StoredArray: Block] = [:]
    for (field, channels) in components.enumerated() {
      for component in 0..<frameShape[1] {
        let channel = channels[channels.count == 1 ? 0 : component]
        let block = try blocks[channel.array] ?? read(channel.array, of: trajectory, frames: frames)
        blocks[channel.array] = block
        copy(channel, from: block, into: tensor, field: field, component: component)
      }
    }
    try requireFinite(tensor, trajectory, firstFrame: frames.lowerBound)
    return tensor
  }

  /// The array whose elements are the samples' as they lie: one scalar, nothing left out.
  private var wholeArray: StoredArray? {
    guard thinning == Thinning(), components.count == 1, components[0].count == 1 else {
      return nil
    }
    let array = components[0][0].array
    let space = [AxisRole](repeating: .space, count: stored.space.count)
    return array.axes.filter { $0 != .trajectory } == [.time] + space ? array : nil
  }

  /// Values of a per-trajectory coefficient, in the file's order.
  package func values(of parameter: String) throws -> [Double] {
    try file.dataset(parameter).readDoubles()
  }

  /// Stored frames from the first to the last wanted one; thinning happens on copying.
  private func read(
    _ array: StoredArray, of trajectory: Int, frames: Range<Int>
  ) throws -> Block {
    let (dataset, start, count) = try place(array, of: trajectory, frames: frames)
    let values = Tensor(uninitialized: [count.reduce(1, *)])
    try values.withMutableElements(of: Float.self) {
      try dataset.read(start: start, count: count, into: $0)
    }
    return Block(values: values, shape: count, axes: array.axes)
  }

  /// The same into all of a tensor.
  private func read(
    _ array: StoredArray, of trajectory: Int, frames: Range<Int>, into tensor: Tensor
  ) throws {
    let (dataset, start, count) = try place(array, of: trajectory, frames: frames)
    try tensor.withMutableElements(of: Float.self) {
      try dataset.read(start: start, count: count, into: $0)
    }
  }

  private func place(
    _ array: StoredArray, of trajectory: Int, frames: Range<Int>
  ) throws -> (dataset: HDF5Dataset, start: [Int], count: [Int]) {
    let dataset =
      try datasets[array.path] ?? file.dataset(stored.groups[trajectory] + "/" + array.path)
    var (start, count) = (dataset.shape.map { _ in 0 }, dataset.shape)
    for (axis, role) in array.axes.enumerated() {
      switch role {
      case .trajectory: (start[axis], count[axis]) = (trajectory, 1)
      case .time:
        start[axis] = frames.lowerBound * thinning.time
        count[axis] = (frames.count - 1) * thinning.time + 1
      case .space, .channel: break
      }
    }
    return (dataset, start, count)
  }

  /// Copies one channel into its place (field, component) of every frame.
  private func copy(
    _ channel: Channel, from block: Block, into tensor: Tensor, field: Int, component: Int
  ) {
    let frameCount = tensor.shape[0]
    let strides = block.strides(thinning)
    let (fieldCount, componentCount) = (tensor.shape[1], tensor.shape[2])
    let (depth, height, width) = (tensor.shape[3], tensor.shape[4], tensor.shape[5])
    let points = depth * height * width
    tensor.withMutableElements(of: Float.self) { target in
      block.values.withElements(of: Float.self) { source in
        guard let target = target.baseAddress, let source = source.baseAddress else { return }
        for frame in 0..<frameCount {
          var goal = target + ((frame * fieldCount + field) * componentCount + component) * points
          for d in 0..<depth {
            for h in 0..<height {
              let from =
                source + frame * strides.time + d * strides.space[0] + h * strides.space[1]
                + channel.position * strides.channel
              if strides.space[2] == 1 {
                goal.update(from: from, count: width)
              } else {
                for w in 0..<width { goal[w] = from[w * strides.space[2]] }
              }
              goal += width
            }
          }
        }
      }
    }
  }

  /// Refuses NaN and infinity in frames `[t, F, C, D, H, W]`.
  private func requireFinite(
    _ tensor: Tensor, _ trajectory: Int, firstFrame: Int
  ) throws(DataError) {
    let bad = tensor.withElements(of: Float.self) { $0.firstNotFinite }
    guard let bad else { return }
    let perField = tensor.shape[2...].reduce(1, *)
    throw .notFinite(
      path: path, trajectory: identifier(trajectory),
      frame: (firstFrame + bad / (perField * fields.count)) * thinning.time,
      field: fields[bad / perField % fields.count].name)
  }
}

/// A part of a stored array, as it lies in the file.
private struct Block {
  let values: Tensor
  let shape: [Int]
  let axes: [AxisRole]

  /// Distances between what follows each other after thinning; 0 along axes that the array lacks.
  func strides(_ thinning: Thinning) -> (time: Int, space: [Int], channel: Int) {
    var (time, space, channel) = (0, [0, 0, 0], 0)
    var (distance, spaceSlot) = (1, 3)
    for (axis, role) in axes.enumerated().reversed() {
      switch role {
      case .trajectory: break
      case .time: time = distance * thinning.time
      case .space:
        spaceSlot -= 1
        space[spaceSlot] = distance * thinning.space
      case .channel: channel = distance
      }
      distance *= shape[axis]
    }
    return (time, space, channel)
  }
}
