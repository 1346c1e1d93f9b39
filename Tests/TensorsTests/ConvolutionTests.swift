import Tensors
import TestSupport
import Testing

/// Every way to compute a convolution against the sum that defines it.
@Suite("Convolution")
struct ConvolutionTests {
  struct Case: Sendable, CustomStringConvertible {
    var batch = 2
    var inputs: Int
    var outputs: Int
    var size: [Int]
    var kernel: [Int]
    var geometry = ConvolutionGeometry()

    var description: String {
      "\(batch)x\(inputs) to \(outputs), \(size) by \(kernel), \(geometry)"
    }
  }

  static let cases = [
    // Straight from the input: whole and partial panels of outputs, whole and partial tiles of pixels.
    Case(
      inputs: 3, outputs: 5, size: [3, 7, 9], kernel: [3, 3, 3],
      geometry: .init(padding: [1, 1, 1])),
    Case(inputs: 2, outputs: 16, size: [1, 9, 11], kernel: [1, 3, 2]),
    Case(
      inputs: 4, outputs: 37, size: [1, 17, 16], kernel: [1, 3, 3], geometry: .planar(padding: 1)),
    Case(
      inputs: 1, outputs: 33, size: [5, 9, 6], kernel: [5, 3, 3],
      geometry: .init(padding: [2, 1, 1])),
    Case(batch: 7, inputs: 9, outputs: 70, size: [1, 4, 4], kernel: [1, 1, 1]),
    Case(
      inputs: 3, outputs: 8, size: [1, 21, 19], kernel: [1, 4, 4],
      geometry: .planar(stride: 2, padding: 1)),
    Case(
      inputs: 3, outputs: 4, size: [1, 15, 14], kernel: [1, 3, 3],
      geometry: .planar(padding: 2, dilation: 2)),
    Case(
      inputs: 2, outputs: 3, size: [1, 12, 13], kernel: [1, 2, 2],
      geometry: .init(padding: [0, 2, 3])),
    Case(
      batch: 1, inputs: 2, outputs: 3, size: [1, 1, 300], kernel: [1, 1, 5],
      geometry: .init(padding: [0, 0, 2])),
    // Lines of pixels as they are, and columns.
    Case(inputs: 3, outputs: 4, size: [1, 32, 40], kernel: [1, 1, 1]),
    Case(batch: 1, inputs: 3, outputs: 4, size: [1, 5, 5], kernel: [1, 3, 3]),
    Case(
      inputs: 6, outputs: 4, size: [1, 9, 9], kernel: [1, 3, 3],
      geometry: .planar(padding: 1, groups: 2)),
    // Channel by channel.
    Case(
      inputs: 5, outputs: 5, size: [1, 9, 8], kernel: [1, 3, 3],
      geometry: .planar(padding: 1, groups: 5)),
    Case(
      inputs: 3, outputs: 3, size: [4, 6, 7], kernel: [2, 3, 3],
      geometry: .init(
        stride: [1, 2, 3], padding: [1, 2, 1], dilation: [1, 2, 1], groups: 3)),
  ]

  @Test("is the sum over its taps, in both precisions", arguments: cases)
  func forward(item: Case) {
    let (x, weight, bias) = item.operands
    let expected = item.reference(x, weight, bias)
    let y = convolution(x, weight: weight, bias: bias, geometry: item.geometry)
    #expect(y.shape == expected.shape)
    #expect(difference(y, expected) < 1e-12)
    let single = convolution(
      x.cast(to: .f32), weight: weight.cast(to: .f32), bias: bias.cast(to: .f32),
      geometry: item.geometry)
    #expect(difference(single.cast(to: .f64), expected) < 2e-5)
  }

  /// A convolution is linear in the input and in the weight: with the gradient g of the output,
  /// ⟨g, y⟩ = ⟨dx, x⟩ = ⟨dw, w⟩, and the same with any other input or weight.
  @Test("passes gradients by its adjoints", arguments: cases)
  func backward(item: Case) throws {
    let (x, weight, bias) = item.operands
    let nodes = [Node(), Node(), Node()]
    let y = convolution(
      x.tracked(by: nodes[0]), weight: weight.tracked(by: nodes[1]),
      bias: bias.tracked(by: nodes[2]), geometry: item.geometry)
    let gradient = noise(y.shape, 4)
    let found = y.gradients(for: gradient)
    let (dx, dw) = (try #require(found[nodes[0]]), try #require(found[nodes[1]]))
    let none = Tensor(zeros: bias.shape, dtype: .f64)
    let (otherInput, otherWeight) = (noise(x.shape, 5), noise(weight.shape, 6))
    let scale = Double(y.elementCount)
    let byInput = product(gradient, item.reference(otherInput, weight, none))
    #expect(abs(byInput - product(dx, otherInput)) < 1e-12 * scale)
    let byWeight = product(gradient, item.reference(x, otherWeight, none))
    #expect(abs(byWeight - product(dw, otherWeight)) < 1e-12 * scale)
    let db = try #require(found[nodes[2]])
    let withBias = product(gradient, item.reference(x, weight, bias))
    let withoutBias = product(gradient, item.reference(x, weight, none))
    #expect(abs(product(db, bias) - (withBias - withoutBias)) < 1e-12 * scale)
    let frozen = convolution(
      x.tracked(by: nodes[0]), weight: weight, bias: bias, geometry: item.geometry)
    let again = try #require(frozen.gradients(for: gradient)[nodes[0]])
    #expect(difference(again, dx) == 0)
  }
}

extension ConvolutionTests.Case {
  fileprivate var operands: (x: Tensor, weight: Tensor, bias: Tensor) {
    (
      noise([batch, inputs] + size, 1), noise([outputs, inputs / geometry.groups] + kernel, 2),
      noise([outputs], 3)
    )
  }

  /// y(n, o, p) = b(o) + Σ over inputs c of the group and taps t of w(o, c, t) x(n, c, s p + d t − padding).
  fileprivate func reference(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
    let (x, w, b) = (
      x.elements(as: Double.self), weight.elements(as: Double.self), bias.elements(as: Double.self)
    )
    let out = (0..<3).map { axis -> Int in
      let reach: Int = geometry.dilation[axis] * (kernel[axis] - 1) + 1
      let room: Int = size[axis] + 2 * geometry.padding[axis] - reach
      return room / geometry.stride[axis] + 1
    }
    let (perGroup, outputsPerGroup) = (inputs / geometry.groups, outputs / geometry.groups)
    var y: [Double] = []
    for n in 0..<batch {
      for o in 0..<outputs {
        for p in places(out) {
          var sum = b[o]
          for c in 0..<perGroup {
            let channel = o / outputsPerGroup * perGroup + c
            for (number, t) in places(kernel).enumerated() {
              let q = (0..<3).map { axis -> Int in
                let start: Int = p[axis] * geometry.stride[axis] - geometry.padding[axis]
                return start + t[axis] * geometry.dilation[axis]
              }
              guard (0..<3).allSatisfy({ q[$0] >= 0 && q[$0] < size[$0] }) else { continue }
              let pixel = (q[0] * size[1] + q[1]) * size[2] + q[2]
              let row: Int = (o * perGroup + c) * kernel.reduce(1, *) + number
              let plane: Int = (n * inputs + channel) * size.reduce(1, *)
              sum += w[row] * x[plane + pixel]
            }
          }
          y.append(sum)
        }
      }
    }
    return Tensor(y, shape: [batch, outputs] + out)
  }

  private func places(_ size: [Int]) -> [[Int]] {
    (0..<size[0]).flatMap { a in
      (0..<size[1]).flatMap { b in (0..<size[2]).map { [a, b, $0] } }
    }
  }
}

private func noise(_ shape: [Int], _ seed: Int) -> Tensor {
  FiniteDifferences.values(shape, seed: seed)
}

private func product(_ a: Tensor, _ b: Tensor) -> Double {
  zip(a.elements(as: Double.self), b.elements(as: Double.self)).reduce(0) { $0 + $1.0 * $1.1 }
}

private func difference(_ a: Tensor, _ b: Tensor) -> Double {
  zip(a.elements(as: Double.self), b.elements(as: Double.self)).reduce(0) {
    max($0, abs($1.0 - $1.1))
  }
}
