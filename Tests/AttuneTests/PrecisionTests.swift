import Adapters
import Attune
import Backbones
import Layers
import Tensors
import TestSupport
import Testing

@Suite("A model in bf16")
struct PrecisionTests {
  /// Loss and the gradients of all trainable values, in a fixed order.
  private func step(
    _ vit: SmallViT, _ precision: Precision, checkpoints: Bool = false
  ) -> (loss: Double, gradients: [Float]) {
    var context = ForwardContext.training(seed: 0, step: 0, samples: 0..<4)
    context.precision = precision
    context.checkpointsActivations = checkpoints
    let images = FiniteDifferences.values([4, 3, 32, 32], seed: 5).cast(to: .f32)
    guard let logits = vit.backbone(BackboneInput(images), context).logits else {
      preconditionFailure("a ViT with classes gives logits")
    }
    let loss = crossEntropy(logits, labels: Tensor([0, 3, 7, 9] as [Int32], shape: [4]))
    let gradients = loss.gradients()
    return (
      loss.scalar,
      vit.model.trainable.flatMap { gradients[$0.leaf]?.elements(as: Float.self) ?? [] }
    )
  }

  private func vit(saving saved: [String]) throws -> SmallViT {
    try SmallViT(
      adapters: [SmallViT.lora(["qkv", "attn.proj", "fc1", "fc2"], saving: saved)])
  }

  private func cosine(_ a: [Float], _ b: [Float]) -> Double {
    let products = zip(a, b).reduce((0.0, 0.0, 0.0)) { sums, pair in
      let (x, y) = (Double(pair.0), Double(pair.1))
      return (sums.0 + x * y, sums.1 + x * x, sums.2 + y * y)
    }
    return products.0 / (products.1 * products.2).squareRoot()
  }

  @Test(
    "goes where single precision goes", arguments: [["head"], ["head", "norm1", "blocks.0.norm2"]])
  func gradients(saved: [String]) throws {
    let vit = try vit(saving: saved)
    let (single, half) = (step(vit, .fp32), step(vit, .bf16))
    #expect(single.gradients.count == half.gradients.count && single.gradients.count > 5000)
    #expect(abs(half.loss - single.loss) < 0.02 * single.loss)
    #expect(half.loss != single.loss)
    let agreement = cosine(half.gradients, single.gradients)
    #expect(agreement > 0.999, "\(agreement)")
  }

  @Test("gives the same bytes again, with activations computed twice as well")
  func reproducible() throws {
    let vit = try vit(saving: ["head"])
    let (one, two) = (step(vit, .bf16), step(vit, .bf16))
    #expect(one.loss == two.loss && one.gradients == two.gradients)
    let again = step(vit, .bf16, checkpoints: true)
    #expect(again.loss == one.loss && again.gradients == one.gradients)
  }
}
