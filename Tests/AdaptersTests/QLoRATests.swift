import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("QLoRA")
struct QLoRATests {
  /// Weights as layers have them: normal values of several scales.
  private func weight(_ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    var random = Philox(seed: 5, purpose: .initialization, step: 0, index: 1)
    let values = (0..<count).map { index in
      Float(random.normal() * (0.02 + 0.01 * Double(index / 640 % 3)))
    }
    return Tensor(values, shape: shape)
  }

  @Test("nf4 has the levels of the paper, and every value the nearest one of its block")
  func nearest() {
    let weight = weight([40, 64])
    let found = NormalFloat(weight).tensor([40, 64]).doubles
    let values = weight.doubles
    let levels = NormalFloat.levels.map { Double($0) }
    let published = [
      -1, -0.69619, -0.52507, -0.39492, -0.28444, -0.18477, -0.09105, 0, 0.07958, 0.16093, 0.24611,
      0.33792, 0.44071, 0.56262, 0.72296, 1,
    ]
    #expect(zip(levels, published).allSatisfy { abs($0 - $1) < 1e-5 })
    for block in 0..<40 {
      let range = (block * 64)..<((block + 1) * 64)
      let largest = values[range].map { abs($0) }.max() ?? 0
      // The scale itself lies in 8 bits around the mean of all scales.
      let peak = values[range].firstIndex { abs($0) == largest } ?? 0
      let scale = abs(found[peak])
      #expect(abs(scale - largest) <= 0.5 / 127 * 0.12)
      for index in range {
        let level = levels.min {
          abs(values[index] / largest - $0) < abs(values[index] / largest - $1)
        }
        #expect(abs(found[index] - (level ?? 0) * scale) < 1e-7)
      }
    }
  }

  @Test("nf4 takes 4.127 bits a value, int8 8 and a scale a row")
  func memory() {
    let shape = [512, 1024]
    let weight = weight(shape)
    let count = 512 * 1024
    let blocks = count / 64
    let nf4 = NormalFloat(weight)
    let stated = count / 2 + blocks + 4 * (blocks / 256) + 4
    #expect(nf4.byteCount == stated)
    #expect(abs(Double(8 * nf4.byteCount) / Double(count) - 4.127) < 0.001)
    #expect(RowInteger(weight).byteCount == count + 4 * 512)
    for compact in [nf4, RowInteger(weight)] as [any CompactValue] {
      let again = compact.tensor(shape)
      let error = (again - weight).sumOfSquares() / weight.sumOfSquares()
      // RMS errors of 9 % and 0.8 %.
      #expect(error.squareRoot() < (compact is NormalFloat ? 0.1 : 0.01))
      #expect(compact.tensor(shape).bits == again.bits)
    }
  }

  @Test("int8 is off by half a step at most, and keeps rows of zeros")
  func integers() {
    let values =
      weight([6, 50])
      * Tensor(
        (0..<50).map { $0 == 7 ? 20 : 1 as Float }, shape: [50])
    let zeros = Tensor(zeros: [1, 50])
    let all = Tensor.concatenated([values, zeros], axis: 0)
    let found = RowInteger(all).tensor([7, 50])
    for row in 0..<7 {
      let (a, b) = (
        all.sliced(axis: 0, row..<(row + 1)), found.sliced(axis: 0, row..<(row + 1))
      )
      #expect(b.largestDifference(from: a) <= 0.5001 * a.largestMagnitude / 127)
    }
    #expect(found.sliced(axis: 0, 6..<7).largestMagnitude == 0)
  }

  @Test("drops the weight in full, trains the pair alone, and merges in full precision")
  func attached() throws {
    let layers = try SmallLayers(QLoRA.self, [("r", 4)], inputs: 96, outputs: 80)
    let weight = layers.layers[0].site.weight
    let compact = try #require(weight.compact)
    #expect(compact.byteCount < 96 * 80)
    let base = weight.value
    #expect(base.bits == compact.tensor([80, 96]).bits)
    layers.perturb()
    let (a, b) = (
      try #require(layers.value("lora_A.weight")), try #require(layers.value("lora_B.weight"))
    )
    let merged = try layers.layers[0].site.merged().weight
    let wanted = base + matrixProduct(b.value, a.value)
    #expect(merged.largestDifference(from: wanted) < 1e-6)
    let x = FiniteDifferences.values([5, 96], seed: 3).cast(to: .f32)
    let leaf = Node()
    let y = layers.layers[0](x.tracked(by: leaf), .evaluation)
    let expected = linear(x, weight: wanted, bias: layers.layers[0].site.bias?.value)
    #expect(y.largestDifference(from: expected) < 1e-5)
    let seed = FiniteDifferences.values(y.shape, seed: 4).cast(to: .f32)
    let found = y.gradients(for: seed)
    #expect(found[weight.leaf] == nil)
    let dx = try #require(found[leaf])
    #expect(dx.largestDifference(from: matrixProduct(seed, wanted)) < 1e-5)
    #expect(weight.compact != nil, "a pass and its way back leave the weight in few bits")
  }
}
