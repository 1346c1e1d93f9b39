import Tensors
import Testing

/// Known answers of philox4x32-10 published with Random123 (`kat_vectors`).
private struct KnownAnswer: Sendable {
  let counter: SIMD4<UInt32>
  let key: SIMD2<UInt32>
  let output: SIMD4<UInt32>
}

private let knownAnswers = [
  KnownAnswer(
    counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0),
    output: SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
  KnownAnswer(
    counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max),
    output: SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)),
  KnownAnswer(
    counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
    key: SIMD2(0xa409_3822, 0x299f_31d0),
    output: SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)),
]

@Suite("Philox random streams")
struct PhiloxTests {
  @Test("agrees with the published known answers", arguments: knownAnswers.indices)
  func knownAnswer(row: Int) {
    let expected = knownAnswers[row]
    #expect(Philox.block(counter: expected.counter, key: expected.key) == expected.output)
  }

  @Test("a stream is the blocks of its counter, in order")
  func blocksInOrder() {
    var stream = Philox(seed: 0x1234_5678_9abc_def0, purpose: .dropout, step: 7, index: 9)
    let words = (0..<8).map { _ in stream.next() as UInt32 }
    let key = SIMD2<UInt32>(0x9abc_def0, 0x1234_5678)
    let purpose = Philox.Purpose.dropout.rawValue
    let first = Philox.block(counter: SIMD4(0, 9, 7, purpose), key: key)
    let second = Philox.block(counter: SIMD4(1, 9, 7, purpose), key: key)
    #expect(words == (0..<4).map { first[$0] } + (0..<4).map { second[$0] })
  }

  @Test("any part of the name of a stream changes its numbers")
  func streamsDiffer() {
    var streams = [
      Philox(seed: 1, purpose: .data, step: 0, index: 0),
      Philox(seed: 2, purpose: .data, step: 0, index: 0),
      Philox(seed: 1, purpose: .split, step: 0, index: 0),
      Philox(seed: 1, purpose: .data, step: 1, index: 0),
      Philox(seed: 1, purpose: .data, step: 0, index: 1),
    ]
    let firsts = streams.indices.map { streams[$0].next() as UInt64 }
    #expect(Set(firsts).count == firsts.count)
  }

  @Test("uniform numbers have the moments of [0, 1)")
  func uniformMoments() {
    var stream = Philox(seed: 3, purpose: .data, step: 0, index: 0)
    let values = (0..<100_000).map { _ in stream.uniform() }
    let mean = values.reduce(0, +) / 1e5
    let square = values.reduce(0) { $0 + $1 * $1 } / 1e5
    // Five standard errors: sqrt(1/12)/sqrt(n) and sqrt(4/45)/sqrt(n).
    #expect(abs(mean - 0.5) < 5 * 0.289 / 316)
    #expect(abs(square - 1.0 / 3) < 5 * 0.298 / 316)
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
  }

  @Test("normal numbers have the moments of the standard normal")
  func normalMoments() {
    var stream = Philox(seed: 4, purpose: .data, step: 0, index: 0)
    let values = (0..<100_000).map { _ in stream.normal() }
    let moments = (1...4).map { power in
      values.reduce(0) { sum, value in
        sum + (1...power).reduce(1.0) { product, _ in product * value }
      } / 1e5
    }
    // Five standard errors of the first four moments: 1, √2, √15, √96 over √n.
    #expect(abs(moments[0]) < 5 * 1 / 316)
    #expect(abs(moments[1] - 1) < 5 * 1.42 / 316)
    #expect(abs(moments[2]) < 5 * 3.88 / 316)
    #expect(abs(moments[3] - 3) < 5 * 9.8 / 316)
  }

  @Test("numbers below a bound reach every value about equally often")
  func belowBound() {
    var stream = Philox(seed: 5, purpose: .data, step: 0, index: 0)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[stream.below(7)] += 1 }
    // Five standard deviations of a binomial with n = 70,000, p = 1/7.
    #expect(counts.allSatisfy { abs(Double($0) - 10_000) < 5 * 92.6 })
  }

  @Test("a permutation holds each number once and repeats with its seed")
  func permutation() {
    var first = Philox(seed: 6, purpose: .shuffle, step: 2, index: 0)
    var second = first
    let order = first.permutation(1000)
    #expect(order.sorted() == Array(0..<1000))
    #expect(order != Array(0..<1000))
    #expect(order == second.permutation(1000))
  }
}
