import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("QWHA")
struct QWHATests {
  @Test("a coefficient is a row of a Hadamard matrix", arguments: [8, 12, 20, 24, 28, 36, 40, 76])
  func basis(inputs: Int) throws {
    let layers = try SmallLayers(
      QWHA.self, [("n_coefficients", .integer(inputs)), ("scaling", 1)], inputs: inputs, outputs: 4)
    let values = try #require(layers.value("qhft_spectrum.default"))
    let indices = try #require(layers.value("qhft_indices_default"))
    // The unit vectors of the first row, so that ΔW's first row runs through the matrix.
    indices.value = Tensor(
      (0..<inputs).map { _ in 0 as Int64 } + (0..<inputs).map { Int64($0) }, shape: [2, inputs])
    var rows: [[Double]] = []
    for index in 0..<inputs {
      values.value = Tensor(
        (0..<inputs).map { $0 == index ? 1 : 0 as Float }, shape: [inputs])
      let change = try layers.change().doubles
      // σ/√out = 1/2.
      rows.append(change.prefix(inputs).map { $0 * 2 * Double(inputs) })
      #expect(change.dropFirst(inputs).allSatisfy { $0 == 0 })
    }
    for row in rows { for value in row { #expect(abs(abs(value) - 1) < 1e-5) } }
    for a in 0..<inputs {
      for b in 0...a {
        let product = zip(rows[a], rows[b]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (a == b ? Double(inputs) : 0)) < 1e-3)
      }
    }
  }

  @Test("refuses lengths without a matrix, and more coefficients than entries")
  func refusals() {
    let length = #expect(throws: AdapterError.self) {
      _ = try SmallLayers(QWHA.self, [("r", 1)], inputs: 9)
    }
    #expect(length?.description.contains("9 inputs") == true)
    let count = #expect(throws: AdapterError.self) { _ = try SmallLayers(QWHA.self, [("r", 6)]) }
    #expect(count?.description.contains("120 coefficients") == true)
  }
}
