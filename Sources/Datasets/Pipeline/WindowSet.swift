package import Tensors

/// Windows of trajectories: `inputFrames` frames as input, the frame that follows as target.
///
/// A trajectory of T frames gives T - k windows at stride 1; windows are ordered trajectory by
/// trajectory. Samples hold `state` `[t, F, C, D, H, W]` and `target` `[F, C, D, H, W]`, normalized.
package struct WindowSet: SampleSet {
  /// Trajectories of the part, by their number in the store's set.
  package let units: [Int]
  package let inputFrames: Int
  package let stride: Int
  private let store: TrajectoryStore

  init(_ store: TrajectoryStore, units: [Int], inputFrames: Int, stride: Int) {
    precondition(
      inputFrames > 0 && stride > 0 && inputFrames < store.set.frameCount,
      "windows of \(inputFrames) frames and stride \(stride) in \(store.set.frameCount) frames")
    self.store = store
    self.units = units
    self.inputFrames = inputFrames
    self.stride = stride
  }

  private var perTrajectory: Int {
    (store.set.frameCount - inputFrames - 1) / stride + 1
  }

  package var count: Int { units.count * perTrajectory }

  /// `train.hdf5#17@3`: file, trajectory, first frame.
  package func identifier(_ index: Int) -> String {
    let (unit, start) = place(index)
    return "\(store.set.identifier(unit))@\(start)"
  }

  package func sample(_ index: Int, epoch: Int) throws -> [String: Tensor] {
    let (unit, start) = place(index)
    let input = start..<start + inputFrames
    let scaling = try store.scaling(of: unit, inputFrames: input)
    let window = scaling.normalized(
      try store.raw(unit, frames: start..<input.upperBound + 1))
    let target = window.slice(inputFrames..<inputFrames + 1)
    return [
      "state": window.slice(0..<inputFrames),
      "target": Tensor(
        shape: Array(target.shape.dropFirst()), dtype: target.dtype, storage: target.storage,
        byteOffset: target.byteOffset),
    ]
  }

  /// Identifiers of the trajectories.
  package var unitIdentifiers: [String] { units.map(store.set.identifier) }

  /// A whole trajectory for rollouts.
  package struct Trajectory: Sendable {
    package let identifier: String
    /// `[T, F, C, D, H, W]`, normalized.
    package let values: Tensor
    /// Gives physical values back: `scaling.denormalized(values)`.
    ///
    /// Under `per-window` it is that of the first `inputFrames` frames.
    package let scaling: FieldScaling
  }

  /// The trajectory at `position` of the part.
  package func trajectory(_ position: Int) throws -> Trajectory {
    let unit = units[position]
    let scaling = try store.scaling(of: unit, inputFrames: 0..<inputFrames)
    return Trajectory(
      identifier: store.set.identifier(unit), values: scaling.normalized(try store.raw(unit)),
      scaling: scaling)
  }

  /// The values of the trajectory at `position` as stored, `[T, F, C, D, H, W]`.
  package func rawTrajectory(_ position: Int) throws -> Tensor { try store.raw(units[position]) }

  private func place(_ index: Int) -> (unit: Int, start: Int) {
    precondition(index < count, "window \(index) of \(count)")
    return (units[index / perTrajectory], index % perTrajectory * stride)
  }
}
