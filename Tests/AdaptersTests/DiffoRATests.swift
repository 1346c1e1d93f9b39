import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("DiffoRA")
struct DiffoRATests {
  private func layers(_ options: [(String, PlainValue)] = []) throws -> SmallLayers {
    let layers = try SmallLayers(
      DiffoRA.self, [("r", 2), ("alpha", 3), ("search_steps", 4)] + options, count: 3)
    layers.perturb()
    return layers
  }

  private func values(_ layers: SmallLayers, _ name: String) -> [Parameter] {
    (layers.adapter.parameters + layers.adapter.buffers).filter { $0.path.hasSuffix(name) }
  }

  /// Which kinds of values a step moves, by module.
  private func moved(_ layers: SmallLayers, _ step: Int) throws -> [[String]] {
    var gradients = Gradients()
    for parameter in layers.adapter.parameters {
      gradients[parameter.leaf] = Tensor(filledWith: 1, shape: parameter.shape)
    }
    for hook in try layers.adapter.hooks() { hook.change(&gradients, step: step, of: 9) }
    return (0..<3).map { number in
      layers.adapter.parameters.filter { $0.path.hasPrefix("blocks.\(number).") }
        .filter { gradients[$0.leaf] != nil }
        .map { String($0.path.dropFirst("blocks.0.fc.".count)) }
    }
  }

  @Test("while searching, the gate weighs the pair, and both are trained in turn")
  func search() throws {
    let layers = try layers()
    #expect(DiffoRA.isExperimental)
    let a = try #require(values(layers, "lora_A.weight").first).value
    let b = try #require(values(layers, "lora_B.weight").first).value
    let gamma = try #require(values(layers, "diffora_gamma").first)
    gamma.value = Tensor([-0.75] as [Float], shape: [1])
    let wanted = matrixProduct(b, a).scaled(by: 1.5 * (-0.75).logistic)
    #expect(try layers.change().largestDifference(from: wanted) < 1e-6)
    let pair = ["lora_A.weight", "lora_B.weight"]
    #expect(try moved(layers, 0) == [pair, pair, pair])
    #expect(try moved(layers, 1) == [["diffora_gamma"], ["diffora_gamma"], ["diffora_gamma"]])
  }

  @Test("the modules of largest gates stay as they are, the others go", arguments: [0.7, 0.34, 0])
  func choice(share: Double) throws {
    let layers = try layers([("keep", .number(share))])
    let gates: [Float] = [0.5, -1, 2]
    for (parameter, gate) in zip(values(layers, "diffora_gamma"), gates) {
      parameter.value = Tensor([gate], shape: [1])
    }
    let before = try (0..<3).map { try layers.change($0) }
    for hook in try layers.adapter.hooks() { hook.end(step: 2, of: 9) }
    let searched = values(layers, "diffora_state").map { $0.value.doubles[0] }
    #expect(searched == [2.0, 2.0, 2.0])
    for hook in try layers.adapter.hooks() { hook.end(step: 3, of: 9) }
    let wanted: [Double] = share > 0.5 ? [1, 0, 1] : [0, 0, 1]
    let states = values(layers, "diffora_state").map { $0.value.doubles[0] }
    #expect(states == wanted)
    let pair = ["lora_A.weight", "lora_B.weight"]
    let trained = try moved(layers, 4)
    for number in 0..<3 {
      let change = try layers.change(number)
      if wanted[number] == 1 {
        #expect(change.largestDifference(from: before[number]) < 1e-6)
        #expect(trained[number] == pair)
      } else {
        #expect(change.largestMagnitude == 0)
        #expect(trained[number].isEmpty)
      }
    }
  }
}
