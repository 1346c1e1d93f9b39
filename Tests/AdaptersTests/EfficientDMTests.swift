import Adapters
import Checkpoints
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("EfficientDM")
struct EfficientDMTests {
  private func layers(_ weightBits: Int, _ inputBits: Int) throws -> SmallLayers {
    try SmallLayers(
      EfficientDM.self,
      [
        ("r", 2), ("weight_bits", .integer(weightBits)), ("activation_bits", .integer(inputBits)),
      ], inputs: 24, outputs: 10)
  }

  @Test("a grid is fitted with the least error of 80 ranges")
  func grids() {
    let values =
      FiniteDifferences.values([200], seed: 2).cast(to: .f32).elements(as: Float.self)
      + [9]
    func error(_ grid: AffineGrid) -> Double {
      values.reduce(0) {
        $0 + pow(Double(abs($1 - grid.value(grid.code($1, largest: 7)))), 2.4)
      }
    }
    let found = AffineGrid(fitting: values, bits: 3)
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    let whole = AffineGrid(
      step: (high - low) / 7, zero: (-low * 7 / (high - low)).rounded(.toNearestOrEven))
    #expect(error(found) < error(whole))
    #expect(found.step < whole.step)
    #expect(found.zero == found.zero.rounded())
    #expect(AffineGrid(fitting: [Float](repeating: -2, count: 5), bits: 4).value(0) == -2)
  }

  @Test("the deployed layer gives the trained layer's output to the bit", arguments: [2, 3, 4, 8])
  func deployed(bits: Int) throws {
    let folder = try TemporaryDirectory()
    for inputBits in [0, 4, 8] {
      let layers = try layers(bits, inputBits)
      for (index, parameter) in layers.adapter.parameters.enumerated() {
        let isGrid = parameter.path.contains("step")
        let moved = FiniteDifferences.values(parameter.shape, seed: 30 + index)
          .scaled(by: isGrid ? 0.002 : 0.2).cast(to: .f32)
        parameter.value = parameter.value + moved
      }
      let site = layers.layers[0].site
      let model = AdaptedModel(
        tree: layers.tree, adapters: [layers.adapter], freezesBackbone: true)
      let deployed = try #require(model.lowBitLayers.first).layer
      let codes = deployed.weight.codes
      #expect(codes.dtype == .u8 && codes.elementCount == (240 * bits + 7) / 8)
      let path = folder.path("low-\(inputBits).safetensors")
      try writeSafetensors(
        deployed.tensors.map { (name: "fc." + $0.name, tensor: $0.tensor) }, to: path)
      let read = try LowBitLayer(try SafetensorsFile(path: path), module: "fc")
      let x = FiniteDifferences.values([7, 24], seed: 9).cast(to: .f32)
      let trained = layers.layers[0](x, .evaluation)
      #expect(read.output(x, of: SiteRows(site)).bits == trained.bits)
      #expect(deployed.output(x, of: SiteRows(site)).bits == trained.bits)
      // Rounding has an effect, of the size of the grids.
      let full = linear(x, weight: site.weight.value, bias: site.bias?.value)
      #expect(trained.largestDifference(from: full) > 1e-4)
    }
  }

  @Test("gradients pass the rounding, and end beyond the grid")
  func straight() throws {
    let layers = try layers(3, 0)
    layers.perturb()
    let x = FiniteDifferences.values([6, 24], seed: 4).cast(to: .f32)
    let y = layers.layers[0](x, .evaluation)
    let seed = FiniteDifferences.values(y.shape, seed: 5).cast(to: .f32)
    let found = y.gradients(for: seed)
    let site = layers.layers[0].site
    let step = try #require(layers.value("weight_step"))
    let zero = try #require(layers.value("weight_zero_point")).value.doubles
    let (a, b) = (
      try #require(layers.value("lora_A.weight")), try #require(layers.value("lora_B.weight"))
    )
    let sum = (site.weight.value + matrixProduct(b.value, a.value)).doubles
    let steps = step.value.doubles
    // ∂L/∂Ŵ, and what the formula makes of it.
    let outer = matrixProduct(seed.permuted([1, 0]), x).doubles
    var masked = [Double](repeating: 0, count: 240)
    var ofStep = [Double](repeating: 0, count: 10)
    var outside = 0
    for index in 0..<240 {
      let row = index / 24
      let ratio = sum[index] / steps[row]
      let moved = ratio.rounded(.toNearestOrEven) + zero[row]
      let isInside = moved >= 0 && moved <= 7
      if !isInside { outside += 1 }
      masked[index] = isInside ? outer[index] : 0
      let code = min(7, max(0, moved))
      ofStep[row] += outer[index] * (code - zero[row] - (isInside ? ratio : 0))
    }
    #expect(outside > 0)
    let wanted = matrixProduct(
      Tensor(masked, shape: [10, 24]).cast(to: .f32), a.value.permuted([1, 0]))
    #expect(try #require(found[b.leaf]).largestDifference(from: wanted) < 1e-4)
    let given = try #require(found[step.leaf]).doubles
    let size = ofStep.map { abs($0) }.max() ?? 1
    #expect(zip(given, ofStep).allSatisfy { abs($0 - $1) < 1e-4 * size })
  }

  @Test("first grids of inputs are those of training samples, and rates follow the steps")
  func start() throws {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 24, outputs: 10)
    builder.tree.initialize(seed: 4)
    for parameter in builder.tree.parameters { parameter.isTrainable = false }
    let input = FiniteDifferences.values([30, 24], seed: 8).scaled(by: 3).cast(to: .f32)
    var settings = AdapterSettings(name: "test", method: "efficientdm")
    settings.targets = [try Pattern("fc")]
    let method = try EfficientDM.made([("activation_bits", 6)])
    let adapter = try AttachedAdapter(
      settings, method: method, on: builder.tree, defaults: [], seed: 3,
      probe: SampleProbe(
        parameters: [layer.site.weight], gradients: [], inputs: [[("fc", input)]], count: 1))
    func value(_ name: String) throws -> Parameter {
      try #require((adapter.parameters + adapter.buffers).first { $0.path.hasSuffix(name) })
    }
    let grid = AffineGrid(
      fitting: [
        input.elements(as: Float.self).min() ?? 0, input.elements(as: Float.self).max() ?? 0,
      ]
        + input.elements(as: Float.self), bits: 6)
    #expect(try value("input_step").value.elements(as: Float.self) == [grid.step])
    #expect(try value("input_zero_point").value.elements(as: Float.self) == [grid.zero])
    let step = try value("weight_step")
    let mean = step.value.doubles.reduce(0, +) / 10
    #expect(abs(method.policy(of: try value("lora_A.weight")).rateFactor - mean) < 1e-6)
    #expect(abs(method.policy(of: try value("lora_B.weight")).rateFactor - mean) < 1e-6)
    #expect(method.policy(of: step).rateFactor == 1.0 / 400)
    #expect(method.policy(of: try value("input_step")).rateFactor == 1.25)
    let model = AdaptedModel(tree: builder.tree, adapters: [adapter], freezesBackbone: true)
    let error = #expect(throws: AdapterError.self) { _ = try model.merge() }
    #expect("\(error.map { "\($0)" } ?? "")".contains("low-bit"))
  }
}
