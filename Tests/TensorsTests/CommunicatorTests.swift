import Tensors
import TestSupport
import Testing

@Suite("Ranks")
struct CommunicatorTests {
  @Test("add up doubles in the order of ranks", arguments: [1, 2, 5])
  func total(count: Int) throws {
    let sums = try LocalRanks.run(count) { ranks in
      try ranks.total([Double(ranks.rank) + 0.25, .infinity, -0.0])
    }
    for sum in sums {
      #expect(sum == [Double(count * (count - 1) / 2) + 0.25 * Double(count), .infinity, 0])
    }
  }

  @Test("read back what was written for them")
  func bytes() {
    var writer = ByteWriter()
    writer.append(7)
    writer.append([1.5, -.infinity] as [Float])
    writer.append([] as [Int32])
    writer.append(true)
    writer.append("Grüße")
    var reader = ByteReader(writer.bytes)
    let number = reader.value(Int.self)
    let values = reader.array(of: Float.self)
    let none = reader.array(of: Int32.self)
    let isSet = reader.value(Bool.self)
    let text = reader.text()
    #expect(number == 7 && isSet && text == "Grüße")
    #expect(values == [1.5, -Float.infinity] && none.isEmpty)
  }

  @Test("hear of a gradient once, as soon as it is whole, and of none that may still grow")
  func readiness() throws {
    let leaves = (0..<3).map { _ in Node() }
    let values = (0..<3).map { FiniteDifferences.values([2, 2], seed: $0) }
    func loss() -> Tensor {
      let tracked = zip(values, leaves).map { $0.tracked(by: $1) }
      // The last leaf is used again above everything.
      let inner = tracked[0] * tracked[2] + tracked[1] * tracked[1]
      return (inner * tracked[2]).sum()
    }
    let whole = loss().gradients()
    var told: [Int] = []
    let found = loss().gradients { leaf, gradient in
      let number = leaves.firstIndex { $0 === leaf } ?? -1
      told.append(number)
      #expect(whole[leaf].map { gradient.largestDifference(from: $0) == 0 } == true)
    }
    #expect(told.sorted() == [0, 1, 2])
    for leaf in leaves {
      let (a, b) = (try #require(found[leaf]), try #require(whole[leaf]))
      #expect(a.largestDifference(from: b) == 0)
    }
  }
}
