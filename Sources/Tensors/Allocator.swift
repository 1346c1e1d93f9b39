import Synchronization

/// Recycles tensor memory by size, so that a training step makes no allocation after the first.
///
/// Blocks are rounded up to a size class (eight per power of two) and aligned to 64 bytes. Counts
/// are kept for tests and reports: `statistics`.
///
/// Threads that work side by side take from lanes of their own (`withLane`), and a block returns to the
/// lane that it came from, whoever drops it: what a lane needs then depends on its own work alone, and
/// not on how the threads happen to overlap.
package final class Allocator: Sendable {
  package static let shared = Allocator()

  /// What the allocator has done so far.
  package struct Statistics: Sendable, Equatable {
    /// Blocks asked from the system.
    package var systemAllocations = 0
    /// Bytes now in tensors.
    package var bytesInUse = 0
    /// Largest value of `bytesInUse` since the last reset.
    package var peakBytesInUse = 0
    /// Bytes held for reuse.
    package var bytesCached = 0
  }

  /// Blocks that can stand for each other.
  private struct Pool: Hashable {
    let lane: Int
    let size: Int
  }

  private struct State {
    var free: [Pool: [UInt]] = [:]
    var statistics = Statistics()
  }

  private let state = Mutex(State())

  @TaskLocal private static var lane = 0

  /// Runs `body` with memory from a lane; the first, 0, is that of all other code.
  package static func withLane<Result>(
    _ lane: Int, _ body: () throws -> Result
  ) rethrows -> Result {
    try $lane.withValue(lane, operation: body)
  }

  private static let sharing = Mutex(())

  /// Runs `body`, which makes what several threads will use, one caller at a time and with memory from
  /// a lane of its own: what it needs does not depend on which thread comes first.
  package static func making<Result: Sendable>(_ body: () -> Result) -> Result {
    sharing.withLock { _ in withLane(-1, body) }
  }

  package var statistics: Statistics { state.withLock { $0.statistics } }

  package func resetPeak() {
    state.withLock { $0.statistics.peakBytesInUse = $0.statistics.bytesInUse }
  }

  /// Gives cached blocks back to the system.
  package func trim() {
    let blocks = state.withLock { state in
      let blocks = state.free.values.flatMap { $0 }
      state.free.removeAll()
      state.statistics.bytesCached = 0
      return blocks
    }
    for block in blocks { UnsafeMutableRawPointer(bitPattern: block)?.deallocate() }
  }

  /// Uninitialised memory, and the lane that it must be given back to.
  func take(byteCount: Int) -> (memory: UnsafeMutableRawPointer, lane: Int) {
    let (size, lane) = (Self.sizeClass(byteCount), Self.lane)
    let recycled = state.withLock { state -> UInt? in
      state.statistics.bytesInUse += size
      state.statistics.peakBytesInUse = max(
        state.statistics.peakBytesInUse, state.statistics.bytesInUse)
      if let block = state.free[Pool(lane: lane, size: size)]?.popLast() {
        state.statistics.bytesCached -= size
        return block
      }
      state.statistics.systemAllocations += 1
      return nil
    }
    let pointer = recycled.flatMap { UnsafeMutableRawPointer(bitPattern: $0) }
    return (pointer ?? .allocate(byteCount: size, alignment: 64), lane)
  }

  func giveBack(_ pointer: UnsafeMutableRawPointer, byteCount: Int, lane: Int) {
    let size = Self.sizeClass(byteCount)
    let block = UInt(bitPattern: pointer)
    state.withLock { state in
      state.free[Pool(lane: lane, size: size), default: []].append(block)
      state.statistics.bytesInUse -= size
      state.statistics.bytesCached += size
    }
  }

  /// Rounds up to a multiple of an eighth of the power of two below, at least 64 bytes.
  static func sizeClass(_ byteCount: Int) -> Int {
    guard byteCount > 512 else { return max(64, (byteCount + 63) & ~63) }
    let power = 1 << (Int.bitWidth - 1 - byteCount.leadingZeroBitCount)
    let step = max(64, power / 8)
    return (byteCount + step - 1) / step * step
  }
}
