import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

import Foundation

@Suite("FourierFT")
struct FourierFTTests {
  @Test("adds a wave for each coefficient")
  func waves() throws {
    let layers = try SmallLayers(
      FourierFT.self, [("n_frequency", 3), ("scaling", 2), ("random_loc_seed", 5)])
    let spectrum = try #require(layers.value("fourierft_spectrum")).value.doubles
    var generator = TorchGenerator(seed: 5)
    let places = generator.permutation(of: 96, first: 3)
    let change = try layers.change().doubles
    for row in 0..<12 {
      for column in 0..<8 {
        let expected = zip(spectrum, places).reduce(0.0) { sum, term in
          let turns = Double(term.1 / 8 * row) / 12 + Double(term.1 % 8 * column) / 8
          return sum + term.0 * cos(2 * Double.pi * turns)
        }
        #expect(abs(change[row * 8 + column] - 2 * expected / 96) < 1e-6)
      }
    }
  }

  @Test("refuses more coefficients than entries")
  func count() {
    #expect(throws: AdapterError.self) { _ = try SmallLayers(FourierFT.self) }
  }
}
