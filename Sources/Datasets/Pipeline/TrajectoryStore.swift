import Synchronization
package import Tensors

/// Normalized trajectories, kept in memory or read when asked for.
package final class TrajectoryStore: Sendable {
  package let set: TrajectorySet
  package let normalization: FieldNormalization
  /// Whether a trajectory stays in memory once it was read.
  package let keepsTrajectories: Bool
  /// The scaling of all trajectories under `zscore` and `none`.
  private let common: FieldScaling?
  private let state = Mutex(State())

  private struct State {
    var trajectories: [Int: Tensor] = [:]
    var scalings: [Int: FieldScaling] = [:]
  }

  /// `common` is the scaling of all trajectories where the normalization has one.
  init(
    _ set: TrajectorySet, normalization: FieldNormalization, common: FieldScaling?,
    keepsTrajectories: Bool
  ) {
    precondition(
      (common != nil) == (normalization == .zscore || normalization == .none),
      "\(normalization.rawValue) with a common scaling: \(common != nil)")
    self.set = set
    self.normalization = normalization
    self.common = common
    self.keepsTrajectories = keepsTrajectories
  }

  /// A store under another normalization that starts with the trajectories read so far.
  func normalized(
    by normalization: FieldNormalization, common: FieldScaling?
  ) -> TrajectoryStore {
    let store = TrajectoryStore(
      set, normalization: normalization, common: common, keepsTrajectories: keepsTrajectories)
    let trajectories = state.withLock { $0.trajectories }
    store.state.withLock { $0.trajectories = trajectories }
    return store
  }

  /// Frames of a trajectory as stored, `[t, F, C, D, H, W]`.
  package func raw(_ unit: Int, frames: Range<Int>? = nil) throws -> Tensor {
    guard keepsTrajectories else { return try set.read(unit, frames: frames) }
    let whole = try kept(unit)
    return frames.map(whole.slice) ?? whole
  }

  /// Shift and scale of a trajectory; under `per-window` those of its frames `inputFrames`.
  package func scaling(of unit: Int, inputFrames: Range<Int>) throws -> FieldScaling {
    if let common { return common }
    if normalization == .perWindow {
      return FieldScaling(sample: try raw(unit, frames: inputFrames).fieldMoments())
    }
    if let known = state.withLock({ $0.scalings[unit] }) { return known }
    let scaling = FieldScaling(sample: try raw(unit).fieldMoments())
    state.withLock { $0.scalings[unit] = scaling }
    return scaling
  }

  /// Those of some trajectories that cannot be read or hold NaN or infinity, with what is wrong.
  func defects(
    _ units: [Int]
  ) throws -> [(unit: Int, sample: String, reason: String)] {
    try concurrentMap(units.count) { number -> (unit: Int, sample: String, reason: String)? in
      do {
        _ = try self.raw(units[number])
        return nil
      } catch  where error.isOfOneSample {
        return (units[number], self.set.identifier(units[number]), "\(error)")
      }
    }.compactMap { $0 }
  }

  private func kept(_ unit: Int) throws -> Tensor {
    if let kept = state.withLock({ $0.trajectories[unit] }) { return kept }
    let trajectory = try set.read(unit)
    state.withLock { $0.trajectories[unit] = trajectory }
    return trajectory
  }
}
