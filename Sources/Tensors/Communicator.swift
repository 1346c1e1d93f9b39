/// Processes that train one model together, each on a part of every batch.
///
/// All ranks call the same methods in the same order.
package protocol Communicator: Sendable {
  /// Number of this process, from 0.
  var rank: Int { get }
  /// How many processes there are.
  var count: Int { get }

  /// What every rank gives, in the order of ranks, on every rank.
  ///
  /// - Throws: where a rank is lost.
  func gather(_ bytes: [UInt8]) throws -> [[UInt8]]

  /// Begins to add up what all ranks give, as long an array on each; the work goes on beside the
  /// caller's.
  ///
  /// Every rank gets the same bytes: values are added in the order of ranks.
  func sum(_ values: [Float]) -> any PendingSum
}

/// A sum over ranks that is under way.
package protocol PendingSum: Sendable {
  /// The sum, once it is there.
  ///
  /// - Throws: where a rank is lost.
  func wait() throws -> [Float]
}

extension Communicator {
  /// Whether this process is the one that writes.
  package var isFirst: Bool { rank == 0 }

  /// Numbers of all ranks added in the order of ranks.
  package func total(_ values: [Double]) throws -> [Double] {
    guard count > 1 else { return values }
    let bytes = values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    var sums = [Double](repeating: 0, count: values.count)
    for part in try gather(bytes) {
      precondition(part.count == bytes.count, "ranks that add up arrays of different length")
      for index in sums.indices {
        let bits = (0..<8).reduce(UInt64(0)) {
          $0 | UInt64(part[8 * index + $1]) << UInt64(8 * $1)
        }
        sums[index] += Double(bitPattern: bits)
      }
    }
    return sums
  }
}

/// One process alone.
package struct SingleRank: Communicator {
  private struct Known: PendingSum {
    let values: [Float]
    func wait() -> [Float] { values }
  }

  package init() {}
  package var rank: Int { 0 }
  package var count: Int { 1 }
  package func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  package func sum(_ values: [Float]) -> any PendingSum { Known(values: values) }
}

/// Another rank does not answer any more: this one has what it had before the call.
package protocol RankLoss: Error {}
