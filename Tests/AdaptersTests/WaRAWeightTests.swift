import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("WaRA on weights")
struct WaRAWeightTests {
  /// B_b A_b of the four bands, row by row.
  private func bands(_ layers: SmallLayers) throws -> [[Double]] {
    let down = try #require(layers.value("wara_A")).value
    let up = try #require(layers.value("wara_B")).value
    return (0..<4).map { band in
      let a = down.sliced(axis: 0, band..<(band + 1)).reshaped(to: Array(down.shape.dropFirst()))
      let b = up.sliced(axis: 0, band..<(band + 1)).reshaped(to: Array(up.shape.dropFirst()))
      return matrixProduct(b, a).doubles
    }
  }

  @Test("is WaveFT's transform of the matrix of its bands")
  func transform() throws {
    let layers = try SmallLayers(WaRAWeight.self, [("r", 2), ("alpha", 5)])
    layers.perturb()
    let bands = try bands(layers)
    // cA and cH above cV and cD, each `[6, 4]`.
    let matrix = (0..<96).map { place -> Float in
      let (row, column) = (place / 8, place % 8)
      let band = bands[(row / 6) * 2 + column / 4]
      return Float(2.5 * band[(row % 6) * 4 + column % 4])
    }
    let other = try SmallLayers(WaveFT.self, [("n_frequency", 96), ("scaling", 1)])
    var generator = TorchGenerator(seed: 777)
    let places = generator.permutation(of: 96, first: 96)
    try #require(other.value("waveft_spectrum")).value = Tensor(
      places.map { matrix[$0] }, shape: [96])
    let (found, wanted) = (try layers.change(), try other.change())
    #expect(wanted.largestMagnitude > 0.1)
    #expect(found.largestDifference(from: wanted) < 1e-5 * wanted.largestMagnitude)
  }

  @Test("cuts the transform off at odd sizes")
  func odd() throws {
    let layers = try SmallLayers(WaRAWeight.self, [("r", 2)], inputs: 7, outputs: 5)
    layers.perturb()
    let bands = try bands(layers)
    let wanted = (0..<35).map { place -> Float in
      let (row, column) = (place / 7, place % 7)
      let (down, across) = (row % 2 == 0 ? 1.0 : -1, column % 2 == 0 ? 1.0 : -1)
      let cell = (row / 2) * 4 + column / 2
      let sum = bands[0][cell] + down * bands[1][cell] + across * bands[2][cell]
      return Float((sum + down * across * bands[3][cell]) / 2)
    }
    let expected = Tensor(wanted, shape: [5, 7])
    let found = try layers.change()
    #expect(expected.largestMagnitude > 0.1)
    #expect(found.largestDifference(from: expected) < 1e-5 * expected.largestMagnitude)
  }

  @Test("refuses ranks above those of the bands")
  func limit() {
    let error = #expect(throws: AdapterError.self) {
      _ = try SmallLayers(WaRAWeight.self, [("r", 5)])
    }
    #expect(
      error
        == .rankTooLarge(module: "blocks.0.fc", rank: 5, limit: 4, method: "wara-weight"))
  }
}
