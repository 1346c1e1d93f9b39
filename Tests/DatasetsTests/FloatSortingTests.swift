import Datasets
import Testing

@Suite("Sorting of many values")
struct FloatSortingTests {
  @Test("gives the order that the library's sort gives", arguments: [0, 1, 2, 1024, 1025, 30_000])
  func order(count: Int) {
    var random = SystemRandomNumberGenerator()
    var values = (0..<count).map { _ in
      Float.random(in: -1...1, using: &random) * Float([1e-30, 1, 1e30].randomElement() ?? 1)
    }
    values += [0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, -.greatestFiniteMagnitude]
    #expect(values.sortedByDigits() == values.sorted())
  }
}
