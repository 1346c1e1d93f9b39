import Datasets
import Testing

@Suite("Order statistics of many values")
struct OrderStatisticsTests {
  @Test("are those of the sorted values", arguments: [1, 2, 1018, 1019, 30_000])
  func order(count: Int) {
    var random = SystemRandomNumberGenerator()
    var values = (0..<count).map { _ in
      Float.random(in: -1...1, using: &random) * Float([1e-30, 1, 1e30].randomElement() ?? 1)
    }
    values += [0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, -.greatestFiniteMagnitude]
    let ranks = [0, 1, count / 2, count / 2, values.count - 2, values.count - 1]
    let sorted = values.sorted()
    #expect(values.orderStatistics(ranks) == ranks.map { sorted[$0] })
  }

  @Test("of values that differ in their last digits alone")
  func close() {
    let sorted = (0..<5000).map { Float(bitPattern: 0x3F80_0000 + UInt32($0 / 2)) }
    let ranks = [0, 1, 2, 777, 2500, 4998, 4999]
    #expect(Array(sorted.reversed()).orderStatistics(ranks) == ranks.map { sorted[$0] })
  }
}
