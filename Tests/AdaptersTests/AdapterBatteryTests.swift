import Adapters
import Checkpoints
import Foundation
import Formats
import Layers
import Tensors
import TestSupport
import Testing

/// What holds for every adaptation method at every place where it can stand.
@Suite("Every adapter")
struct AdapterBatteryTests {
  @Test("starts without effect", arguments: AdapterCase.all)
  func zeroStart(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    #expect(layer.site.isAdapted)
    #expect(layer.output().bits == layer.plainOutput.bits)
  }

  @Test("has the gradients that finite differences give", arguments: AdapterCase.all)
  func gradients(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    layer.perturb()
    layer.widen()
    let input = layer.input.cast(to: .f64)
    let inputLeaf = Node()
    let output = layer.output(for: input.tracked(by: inputLeaf))
    let seed = FiniteDifferences.values(output.shape, seed: 7)
    let found = output.gradients(for: seed)
    func total(_ input: Tensor) -> Double { (layer.output(for: input) * seed).sum().scalar }

    for parameter in layer.adapter.parameters {
      let value = parameter.value
      let gradient = try #require(found[parameter.leaf], "\(parameter.path)")
      let error = largestError(of: gradient, at: value) { moved in
        parameter.value = moved
        defer { parameter.value = value }
        return total(input)
      }
      #expect(error < 1e-7, "\(parameter.path)")
    }
    let gradient = try #require(found[inputLeaf])
    #expect(largestError(of: gradient, at: input, total) < 1e-7, "the layer's input")
    #expect(found[layer.site.weight.leaf] == nil)
  }

  /// Largest error of a gradient beside central differences, relative to its largest entry.
  private func largestError(
    of gradient: Tensor, at value: Tensor, _ function: (Tensor) -> Double
  ) -> Double {
    let step = 1e-6
    var elements = value.elements(as: Double.self)
    let differences = elements.indices.map { position in
      let original = elements[position]
      let sides = [step, -step].map { move in
        elements[position] = original + move
        return function(Tensor(elements, shape: value.shape))
      }
      elements[position] = original
      return (sides[0] - sides[1]) / (2 * step)
    }
    let largest = differences.reduce(1e-12) { max($0, abs($1)) }
    return zip(gradient.elements(as: Double.self), differences)
      .reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
  }

  @Test("gives the same output when folded into the weight", arguments: AdapterCase.mergeable)
  func merge(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    layer.perturb()
    let adapted = layer.output()
    let merged = try layer.site.mergedWeight()
    #expect(adapted.largestDifference(from: layer.plainOutput) > 0.01)
    layer.site.detachAll()
    layer.site.weight.value = merged
    let error = layer.output().largestDifference(from: adapted)
    #expect(error <= 1e-5 * adapted.largestMagnitude)
  }

  @Test("trains as many values as its formula says", arguments: AdapterCase.all)
  func count(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    let method = try #require(layer.adapter.method)
    for module in layer.adapter.modules {
      let actual = module.delta.parameters.reduce(0) { $0 + $1.elementCount }
      #expect(method.trainableCount(for: module.target) == actual)
      #expect(actual > 0)
    }
  }

  @Test("comes back from its directory bit for bit", arguments: AdapterCase.all)
  func roundTrip(wanted: AdapterCase) throws {
    let folder = try TemporaryDirectory()
    let layer = try AdaptedLayer(wanted)
    layer.perturb()
    try layer.adapter.save(to: folder.path("adapter"), base: "base", baseDigest: "d1")
    let directory = try PEFTDirectory(
      reading: folder.path("adapter"), accepting: [wanted.method.peftType])
    #expect(directory.configuration["base_model_name_or_path"]?.string == "base")
    let other = try AdaptedLayer(wanted)
    try other.adapter.load(from: directory, baseDigest: "d1")
    for (a, b) in zip(layer.adapter.parameters, other.adapter.parameters) {
      #expect(a.path == b.path)
      #expect(a.value.bits == b.value.bits, "\(a.path)")
    }
    #expect(other.output().bits == layer.output().bits)
  }

  @Test("refuses files of another base, and damaged ones", arguments: AdapterCase.all)
  func refusals(wanted: AdapterCase) throws {
    let folder = try TemporaryDirectory()
    let layer = try AdaptedLayer(wanted)
    let path = folder.path("adapter")
    try layer.adapter.save(to: path, base: nil, baseDigest: "d1")
    let methods = [wanted.method.peftType]
    func load(baseDigest: String? = "d1") throws {
      try layer.adapter.load(
        from: try PEFTDirectory(reading: path, accepting: methods), baseDigest: baseDigest)
    }
    #expect(throws: AdapterError.foreignBase(expected: "d1", found: "d2", path: path)) {
      try load(baseDigest: "d2")
    }
    try load(baseDigest: nil)

    let weights = try SafetensorsFile(path: path + "/" + PEFTDirectory.weightsName)
    let tensors = try weights.names.map { (name: $0, tensor: try weights.tensor($0).copied()) }
    func write(_ changed: [(name: String, tensor: Tensor)]) throws {
      try writeSafetensors(changed, to: path + "/" + PEFTDirectory.weightsName)
    }
    try write(Array(tensors.dropFirst()))
    #expect(throws: (any Error).self) { try load() }
    let stray = PEFTDirectory.key(module: "block.1.layer", parameter: "stray.weight")
    try write(tensors + [(stray, tensors[0].tensor)])
    #expect(throws: AdapterError.unexpectedTensors(path: path, keys: [stray])) { try load() }
    for index in tensors.indices {
      var changed = tensors
      let tensor = changed[index].tensor
      let axis = tensor.rank - 1
      changed[index].tensor = tensor.padded(axis: axis, before: 0, after: 1)
      try write(changed)
      #expect(throws: (any Error).self, "\(changed[index].name)") { try load() }
      changed[index].tensor = tensor + Tensor(filledWith: .nan, shape: tensor.shape)
      try write(changed)
      #expect(throws: CheckpointError.self, "\(changed[index].name)") { try load() }
    }
    try write(tensors)
    try load()
  }
}
