import Adapters
import Formats
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SNELL")
struct SNELLTests {
  private func made(_ form: String, quantile: Double = 0.75) throws -> SmallLayers {
    try SmallLayers(
      SNELL.self, [("q", 4), ("form", .text(form)), ("quantile", .number(quantile))])
  }

  /// Σ c_h ‖P_h[i] − Q_h[j]‖ in double precision, row by row.
  private func kernel(_ layers: SmallLayers) throws -> [Double] {
    let p = try #require(layers.value("In_Qs")).value.doubles
    let q = try #require(layers.value("Out_Qs")).value.doubles
    return (0..<12).flatMap { j in
      (0..<8).map { i in
        (0..<2).reduce(0) { sum, head in
          let squares = (0..<2).reduce(0) { squares, depth in
            let difference = p[(head * 8 + i) * 2 + depth] - q[(head * 12 + j) * 2 + depth]
            return squares + difference * difference
          }
          return sum + (head == 0 ? 0.1 : -0.1) * squares.squareRoot()
        }
      }
    }
  }

  /// Three quarters of 95 are 71.25.
  private func threshold(_ values: [Double]) -> Double {
    let sorted = values.map { abs($0) }.sorted()
    return 0.75 * sorted[71] + 0.25 * sorted[72]
  }

  @Test("thresholds distances as the paper, as the program, or not at all")
  func forms() throws {
    let plain = try kernel(try made("none"))
    let t = threshold(plain)
    let wanted: [String: (Double) -> Double] = [
      "none": { $0 },
      "soft": { abs($0) > t ? $0 - (t * ($0 > 0 ? 1 : -1)) : 0 },
      "code": { abs($0) > t ? $0 * abs($0) : 0 },
    ]
    for (form, rule) in wanted {
      let found = try made(form).change().doubles
      for (value, w) in zip(found, plain) { #expect(abs(value - rule(w)) < 1e-6, "\(form)") }
      let zeros = found.filter { $0 == 0 }.count
      #expect(zeros == (form == "none" ? 0 : 72), "\(form)")
    }
  }

  @Test("gradients are those of a fixed threshold", arguments: ["none", "soft", "code"])
  func gradients(form: String) throws {
    let layers = try made(form)
    for parameter in layers.adapter.parameters + layers.adapter.buffers + layers.tree.parameters {
      parameter.value = parameter.value.cast(to: .f64)
    }
    let points = try #require(layers.value("In_Qs"))
    let x = FiniteDifferences.values([5, 8], seed: 3)
    let seed = FiniteDifferences.values([5, 12], seed: 4)
    let found = try #require(
      layers.layers[0](x, .evaluation).gradients(for: seed)[points.leaf]
    ).doubles
    // What an entry of ΔW weighs in the sum of the output times `seed`.
    let weights = matrixProduct(seed.permuted([1, 0]), x).doubles
    let first = try kernel(layers)
    let t = threshold(first)
    func total() throws -> Double {
      zip(zip(try kernel(layers), first), weights).reduce(0) { sum, entry in
        let ((w, w0), weight) = entry
        switch form {
        case "soft": return sum + (abs(w) > t ? (abs(w) - t) * (w > 0 ? 1 : -1) : 0) * weight
        case "code": return sum + (abs(w0) > t ? w * abs(w0) : 0) * weight
        default: return sum + w * weight
        }
      }
    }
    var values = points.value.doubles
    let largest = found.map { abs($0) }.max() ?? 0
    #expect(largest > 1e-3)
    for index in values.indices {
      let original = values[index]
      let sides = try [1e-6, -1e-6].map { step in
        values[index] = original + step
        points.value = Tensor(values, shape: points.shape)
        return try total()
      }
      values[index] = original
      points.value = Tensor(values, shape: points.shape)
      #expect(abs(found[index] - (sides[0] - sides[1]) / 2e-6) < 1e-6 * largest)
    }
  }

  @Test("refuses heads that do not divide the points")
  func heads() {
    #expect(throws: (any Error).self) { _ = try SmallLayers(SNELL.self, [("q", 5)]) }
  }
}
