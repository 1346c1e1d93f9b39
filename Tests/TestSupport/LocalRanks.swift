internal import Foundation
internal import Synchronization
package import Tensors

/// Ranks that are threads of one process.
package final class LocalRanks: Sendable {
  /// What all ranks have given to one call.
  private struct Call {
    var parts: [[UInt8]?]
    var taken = 0
  }

  private let count: Int
  private let calls = Mutex<[Int: Call]>([:])
  private let changed = NSCondition()

  private init(_ count: Int) { self.count = count }

  /// Runs `body` once for every rank, each in a thread of its own, and gives what they come to.
  package static func run<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (any Communicator) throws -> Value
  ) throws -> [Value] {
    let meeting = LocalRanks(count)
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    let group = DispatchGroup()
    for rank in 0..<count {
      group.enter()
      let thread = Thread {
        let result = Result { try body(Member(rank: rank, count: count, meeting: meeting)) }
        results.withLock { $0[rank] = result }
        group.leave()
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    group.wait()
    return try results.withLock { $0 }.compactMap { try $0?.get() }
  }

  /// The parts of all ranks, once they are there.
  private func meet(_ number: Int, rank: Int, _ bytes: [UInt8]) -> [[UInt8]] {
    changed.lock()
    defer { changed.unlock() }
    calls.withLock {
      $0[number, default: Call(parts: [[UInt8]?](repeating: nil, count: count))].parts[rank] = bytes
    }
    changed.broadcast()
    while true {
      let parts = calls.withLock { $0[number]?.parts.compactMap { $0 } ?? [] }
      if parts.count == count {
        calls.withLock { calls in
          calls[number]?.taken += 1
          if calls[number]?.taken == count { calls[number] = nil }
        }
        return parts
      }
      changed.wait()
    }
  }

  private final class Member: Communicator {
    let rank: Int
    let count: Int
    private let meeting: LocalRanks
    private let next = Atomic(0)

    init(rank: Int, count: Int, meeting: LocalRanks) {
      self.rank = rank
      self.count = count
      self.meeting = meeting
    }

    func gather(_ bytes: [UInt8]) -> [[UInt8]] {
      meeting.meet(next.add(1, ordering: .relaxed).oldValue, rank: rank, bytes)
    }

    /// Gathered when it is waited for, in the order in which sums were begun.
    func sum(_ values: [Float]) -> any PendingSum {
      let number = next.add(1, ordering: .relaxed).oldValue
      return Sum(values: values, number: number, member: self)
    }

    struct Sum: PendingSum {
      let values: [Float]
      let number: Int
      let member: Member

      func wait() -> [Float] {
        let bytes = values.withUnsafeBytes { Array($0) }
        let parts = member.meeting.meet(number, rank: member.rank, bytes).map { part in
          part.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        }
        return values.indices.map { place in
          Float(parts.reduce(0.0) { $0 + Double($1[place]) })
        }
      }
    }
  }
}
