import Adapters
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("PyTorch's generator", .enabled(if: Shared.isPresent, "../shared is absent"))
struct TorchGeneratorTests {
  private func stored(_ name: String) throws -> Tensor {
    try SafetensorsFile(path: Shared.path("fixtures/peft/torch_rng/io.safetensors")).tensor(name)
  }

  @Test(
    "gives the orders that PyTorch gives",
    arguments: [(0, 10), (123_456_789_012, 100), (4242, 2304), (777, 6912)])
  func permutation(seed: Int, size: Int) throws {
    let expected = try stored("randperm.seed\(seed).n\(size)").integers
    var generator = TorchGenerator(seed: seed)
    #expect(generator.permutation(of: size, first: expected.count) == expected)
  }

  @Test("gives uniform numbers bit for bit", arguments: [(0, Float(0.25)), (7, Float(0.37))])
  func uniform(seed: Int, bound: Float) throws {
    let expected = try stored("uniform.seed\(seed).bound\(bound)")
    var generator = TorchGenerator(seed: seed)
    let found = generator.uniform(expected.elementCount, in: -bound..<bound)
    #expect(Tensor(found, shape: expected.shape).bits == expected.bits)
  }

  @Test("gives the projections of VeRA bit for bit")
  func kaiming() throws {
    let expected = try stored("kaiming_vera_A.seed31.8x192")
    var generator = TorchGenerator(seed: 31)
    let found = Tensor(generator.kaiming(rows: 8, columns: 192), shape: [8, 192])
    #expect(found.bits == expected.bits)
  }

  @Test("gives normal numbers up to the last bits", arguments: [7, 16, 37, 100])
  func normal(count: Int) throws {
    let expected = try stored("normal.seed9.n\(count)")
    var generator = TorchGenerator(seed: 9)
    let found = Tensor(generator.normal(count), shape: [count])
    #expect(found.largestDifference(from: expected) <= 1e-6 * expected.largestMagnitude)
  }
}
