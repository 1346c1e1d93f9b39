internal import Foundation
internal import Glibc
package import Recipes
internal import Synchronization
package import Tensors

/// The processes of an Open MPI job.
package final class MPICommunicator: Communicator {
  private struct Sum: PendingSum {
    let later: Later<[Float]>
    func wait() throws -> [Float] { try later.wait() }
  }

  package let rank: Int
  package let count: Int
  private let library: MPILibrary
  private let thread = MPIThread()
  /// Whether the process is asked to end at once, so that a rank that does not answer is given up.
  private let mustEnd: @Sendable () -> Bool
  private let isBroken = Atomic(false)

  /// Joins the job that this process was started in.
  ///
  /// - Parameter mustEnd: asked while another rank is waited for.
  /// - Throws: `MPIError`.
  package init(mustEnd: @escaping @Sendable () -> Bool) throws {
    let library = try MPILibrary()
    self.library = library
    self.mustEnd = mustEnd
    thread.start()
    let (rank, count, level) = try thread.run {
      var (level, rank, count): (Int32, Int32, Int32) = (0, 0, 0)
      _ = library.initThread(nil, nil, MPILibrary.serialized, &level)
      _ = library.rank(library.world, &rank)
      _ = library.size(library.world, &count)
      return (rank, count, level)
    }.wait()
    self.rank = Int(rank)
    self.count = Int(count)
    guard level >= MPILibrary.serialized else {
      throw MPIError.unusable(
        library: "libmpi", reason: "it does not let threads call it (level \(level), expected 2)")
    }
  }

  package func gather(_ bytes: [UInt8]) throws -> [[UInt8]] {
    try thread.run { [self] in try gatherAll(bytes) }.wait()
  }

  package func sum(_ values: [Float]) -> any PendingSum {
    Sum(later: thread.run { [self] in try sumAll(values) })
  }

  /// Leaves the job in order, as all ranks do; nothing where one of them was lost.
  package func finish() {
    guard !isBroken.load(ordering: .relaxed) else { return }
    let library = library
    _ = try? thread.run { library.finalize() }.wait()
    thread.close()
  }

  /// Ends all ranks of the job.
  package func abort(_ code: Int32) -> Never {
    _ = library.abort(library.world, code)
    _exit(code)
  }

  // MARK: On the thread that calls MPI

  /// Bytes that one call moves between two ranks, at most: counts have 32 bits.
  private var pieceSize: Int { (1 << 30) / count }

  private func gatherAll(_ bytes: [UInt8]) throws -> [[UInt8]] {
    let own = withUnsafeBytes(of: Int64(bytes.count).littleEndian, Array.init)
    let sizes = try gatherPieces(own, lengths: [Int](repeating: 8, count: count)).map { part in
      Int(part.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }.littleEndian)
    }
    var parts = sizes.map { _ in [UInt8]() }
    let longest = sizes.max() ?? 0
    for start in stride(from: 0, to: longest, by: pieceSize) {
      let lengths = sizes.map { max(0, min(pieceSize, $0 - start)) }
      let piece = Array(bytes.dropFirst(start).prefix(pieceSize))
      for (index, received) in try gatherPieces(piece, lengths: lengths).enumerated() {
        parts[index] += received
      }
    }
    return parts
  }

  private func gatherPieces(_ bytes: [UInt8], lengths: [Int]) throws -> [[UInt8]] {
    let (counts, starts) = Self.layout(lengths)
    var received = [UInt8](repeating: 0, count: lengths.reduce(0, +))
    try bytes.withUnsafeBytes { bytes in
      try received.withUnsafeMutableBytes { received in
        try request {
          library.gatherAll(
            bytes.baseAddress, Int32(bytes.count), library.byte, received.baseAddress, counts,
            starts, library.byte, library.world, $0)
        }
      }
    }
    return zip(starts, counts).map { Array(received[Int($0)..<Int($0 + $1)]) }
  }

  /// Each rank adds up one part of the array, in the order of ranks, and sends it to all.
  private func sumAll(_ values: [Float]) throws -> [Float] {
    let lengths = (0..<count).map { (($0 + 1) * values.count / count) - $0 * values.count / count }
    let (counts, starts) = Self.layout(lengths.map { 4 * $0 })
    let own = lengths[rank]
    let (ownCounts, ownStarts) = Self.layout([Int](repeating: 4 * own, count: count))
    var parts = [Float](repeating: 0, count: own * count)
    var result = [Float](repeating: 0, count: values.count)
    try values.withUnsafeBytes { values in
      try parts.withUnsafeMutableBytes { parts in
        try request {
          library.exchangeAll(
            values.baseAddress, counts, starts, library.byte, parts.baseAddress, ownCounts,
            ownStarts, library.byte, library.world, $0)
        }
      }
    }
    let sums = Self.sum(parts, count: own)
    try sums.withUnsafeBytes { sums in
      try result.withUnsafeMutableBytes { result in
        try request {
          library.gatherAll(
            sums.baseAddress, Int32(sums.count), library.byte, result.baseAddress, counts, starts,
            library.byte, library.world, $0)
        }
      }
    }
    return result
  }

  /// Arrays of `count` values that follow each other, added in their order.
  private static func sum(_ parts: [Float], count: Int) -> [Float] {
    guard count > 0 else { return [] }
    return [Float](unsafeUninitializedCapacity: count) { sums, made in
      made = count
      // A piece at a time, so that it stays in the cache.
      withUnsafeTemporaryAllocation(of: Double.self, capacity: piece) { total in
        parts.withUnsafeBufferPointer { parts in
          for start in stride(from: 0, to: count, by: piece) {
            let length = min(piece, count - start)
            for index in 0..<length { total[index] = Double(parts[start + index]) }
            for rank in 1..<(parts.count / count) {
              let offset = rank * count + start
              for index in 0..<length { total[index] += Double(parts[offset + index]) }
            }
            for index in 0..<length { sums[start + index] = Float(total[index]) }
          }
        }
      }
    }
  }

  private static let piece = 2048

  /// Lengths and where each part begins, in bytes.
  private static func layout(_ lengths: [Int]) -> (counts: [Int32], starts: [Int32]) {
    var start = 0
    let starts = lengths.map { length in
      defer { start += length }
      return Int32(start)
    }
    return (lengths.map { Int32($0) }, starts)
  }

  /// Begins a call and waits for its end without keeping a processor from the program's work.
  private func request(_ begin: (UnsafeMutablePointer<MPILibrary.Handle?>) -> Int32) throws {
    if isBroken.load(ordering: .relaxed) { throw RankLost() }
    var request: MPILibrary.Handle?
    _ = begin(&request)
    var isDone: Int32 = 0
    var tries: UInt32 = 0
    var endSeen: ContinuousClock.Instant?
    while true {
      _ = library.test(&request, &isDone, nil)
      guard isDone == 0 else { return }
      tries += 1
      if tries < Self.eagerTries { sched_yield() } else { usleep(min(200, 10 + tries)) }
      guard tries % 64 == 0, mustEnd() else { continue }
      // Ranks that are told to end at the same time may still answer.
      let first = endSeen ?? .now
      endSeen = first
      if ContinuousClock.now - first > Self.patience {
        isBroken.store(true, ordering: .relaxed)
        throw RankLost()
      }
    }
  }

  private static let eagerTries: UInt32 = 200
  private static let patience = Duration.milliseconds(100)
}

/// Another rank does not answer, and this one is told to end.
package struct RankLost: ExitCoded, RankLoss, CustomStringConvertible {
  package init() {}
  package var exitCode: ExitCode { .stopped }
  package var description: String {
    "the job is being ended, and another rank does not answer. Start it again, with any number of "
      + "ranks, to go on from the last checkpoint"
  }
}
