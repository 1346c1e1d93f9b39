import Adapters
import Formats
import Checkpoints
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("OneBit and OneBitLoRA")
struct OneBitTests {
  @Test(
    "quantize and pack as the reference does",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: ["adaptformer_1bit_h8", "adaptformer_2bit_h4", "lora_qv_1bit_r8"])
  func packed(name: String) throws {
    let folder = Shared.path("fixtures/adapters/\(name)")
    let io = try SafetensorsFile(path: folder + "/io.safetensors")
    let latent = try SafetensorsFile(path: folder + "/adapter.safetensors")
    let base = try SafetensorsFile(path: Shared.path("fixtures/peft/base_timm/model.safetensors"))
    let levels = try io.tensor("aux.levels").elements(as: Float.self)
    let book = CodeBook(bits: levels.count == 2 ? 1 : 2)
    #expect(zip(book.levels, levels).allSatisfy { abs($0 - Double($1)) < 1e-6 })

    let weights = try latent.names.map {
      (name: $0.replacing(".weight", with: ""), tensor: try latent.tensor($0))
    }
    let quantized = weights.map { QuantizedWeight($0.tensor, book) }
    for (weight, item) in zip(weights, quantized) {
      let expected = try io.tensor("aux.\(weight.name).quantised_weight")
      #expect(item.weight(book).largestDifference(from: expected) < 1e-6, "\(weight.name)")
    }
    let head = [try base.tensor("head.weight"), try base.tensor("head.bias")]
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/adapter.bin")))
    let read = try PackedWeights(
      bytes, shapes: weights.map(\.tensor.shape), head: head.map(\.shape), bits: book.bits,
      path: name)
    #expect(read.bytes == bytes)
    for (a, b) in zip(read.weights, quantized) {
      #expect(a.codes == b.codes)
      #expect(abs(a.mean - b.mean) < 1e-7 && abs(a.deviation - b.deviation) < 1e-7)
    }
    for (a, b) in zip(read.head, head) { #expect(a.bits == b.bits) }
    Parity.passed(name)
  }

  @Test("fill the last byte, and refuse files of another size or without numbers")
  func partialBytes() throws {
    let book = CodeBook(bits: 2)
    let weight = FiniteDifferences.values([3, 7], seed: 1).cast(to: .f32)
    let packed = PackedWeights([QuantizedWeight(weight, book)], head: [], bits: 2)
    #expect(packed.bytes.count == 6 + 8)
    func read(_ bytes: [UInt8]) throws -> PackedWeights {
      try PackedWeights(bytes, shapes: [[3, 7]], head: [], bits: 2, path: "adapter.bin")
    }
    #expect(try read(packed.bytes).weights[0].codes == packed.weights[0].codes)
    #expect(throws: AdapterError.self) { _ = try read(packed.bytes + [0]) }
    #expect(throws: AdapterError.self) {
      _ = try read(packed.bytes.prefix(6) + [0, 0, 0xC0, 0x7F, 0, 0, 0, 0])
    }
  }

  @Test("have the levels of their bits and start close to the frozen model")
  func start() throws {
    for bits in [1, 2, 4, 8] {
      let levels = CodeBook(bits: bits).levels
      #expect(levels.count == 1 << bits)
      #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 < $1 })
      #expect(zip(levels, levels.reversed()).allSatisfy { abs($0 + $1) < 1e-9 })
    }
    let adapted = try AdaptedBlock(OneBit.self, [("h", 4)])
    let x = FiniteDifferences.values([2, 3, 8], seed: 3).cast(to: .f32)
    let difference = adapted.mlp(x).largestDifference(from: x)
    #expect(difference > 0 && difference < 0.02)
    #expect(throws: RecipeError.self) { _ = try OneBit.made([("bits", 3)]) }
  }

  @Test("name slices by the parts of a fused matrix")
  func names() throws {
    let builder = ModelBuilder()
    let site = Linear(
      builder.root / "attn" / "qkv", inputs: 4, outputs: 6, rowNames: [("q", 0..<2)]
    ).site
    let method = try OneBitLoRA.made([("r", 2)])
    func path(_ rows: Range<Int>?) -> String? {
      method.makeChange(
        for: AdapterTarget(site: site, rows: rows, rank: 2, alpha: 2), SharedValues()
      ).parameters.first?.path
    }
    #expect(path(0..<2) == "attn.lora_q.adapter_down.weight")
    #expect(path(2..<4) == "attn.lora_qkv[2:4].adapter_down.weight")
    #expect(path(nil) == "attn.lora_qkv.adapter_down.weight")
  }
}
