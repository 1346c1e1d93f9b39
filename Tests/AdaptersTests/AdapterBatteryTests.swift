import Adapters
import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

/// What holds for every adaptation method at every place where it can stand.
@Suite("Every adapter")
struct AdapterBatteryTests {
  @Test("starts without effect", arguments: AdapterCase.all.filter(\.startsWithoutEffect))
  func zeroStart(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    #expect(layer.adapter.parameters.count > 0)
    let error = layer.output().largestDifference(from: layer.plainOutput)
    // A method of factors of the weight may round where it puts them together again.
    let isExact = !layer.adapter.modules.contains { $0.change is any WeightMap }
    #expect(error <= (isExact ? 0 : 2e-6 * layer.plainOutput.largestMagnitude))
  }

  @Test("draws the values that are to be drawn", arguments: AdapterCase.all)
  func drawn(wanted: AdapterCase) throws {
    for parameter in try AdaptedLayer(wanted).adapter.parameters {
      switch parameter.initialization {
      case .uniform, .normal, .truncatedNormal:
        #expect(parameter.value.largestMagnitude > 0, "\(parameter.path)")
      default: break
      }
    }
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

    let detached = wanted.detached
    for parameter in layer.adapter.parameters {
      let value = parameter.value
      let gradient = try #require(found[parameter.leaf], "\(parameter.path)")
      if detached.contains(where: { parameter.path.contains($0) }) { continue }
      let error = largestError(of: gradient, at: value) { moved in
        parameter.value = moved
        defer { parameter.value = value }
        return total(input)
      }
      // Lily's router, a softmax over small numbers, leaves differences of 5e-7.
      #expect(error < (wanted.method.name == "lily" ? 1e-6 : 1e-7), "\(parameter.path)")
    }
    let gradient = try #require(found[inputLeaf])
    #expect(largestError(of: gradient, at: input, total) < 1e-7, "the layer's input")
    for parameter in layer.tree.parameters + layer.adapter.buffers {
      #expect(found[parameter.leaf] == nil, "\(parameter.path) is frozen")
    }
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

  @Test(
    "gives the same output when folded into the weight", arguments: AdapterCase.having(.mergeable))
  func merge(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    layer.perturb()
    let adapted = layer.output()
    #expect(adapted.largestDifference(from: layer.plainOutput) > 0.001)
    let base = layer.tree.parameters.map(\.value.bits)
    let merged = try layer.model.merge()
    #expect(layer.site?.isAdapted == false)
    let error = layer.output().largestDifference(from: adapted)
    #expect(error <= 1e-5 * adapted.largestMagnitude)
    merged.undo()
    #expect(layer.tree.parameters.map(\.value.bits) == base, "the base comes back bit for bit")
    #expect(layer.output().bits == adapted.bits)
  }

  @Test(
    "has one gradient, by its own way and by the whole weight",
    arguments: AdapterCase.having(.mergeable))
  func materialized(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    let site = try #require(layer.site)
    layer.perturb()
    layer.widen()
    let input = layer.input.cast(to: .f64)
    let output = layer.output(for: input)
    let seed = FiniteDifferences.values(output.shape, seed: 8)
    let found = output.gradients(for: seed)
    // A map that changes nothing makes the engine fold all before it into the weight.
    site.attach(Unchanged(), rows: 0..<site.outputs)
    let folded = layer.output(for: input)
    #expect(folded.largestDifference(from: output) <= 1e-11 * output.largestMagnitude)
    guard !layer.adapter.modules.contains(where: { $0.change is any Branch }) else { return }
    let again = folded.gradients(for: seed)
    for parameter in layer.adapter.parameters {
      let (a, b) = (found[parameter.leaf], again[parameter.leaf])
      let (x, y) = (try #require(a), try #require(b))
      #expect(x.largestDifference(from: y) <= 1e-9 * max(1e-3, x.largestMagnitude))
    }
  }

  @Test("refuses to merge what depends on the input", arguments: AdapterCase.all)
  func unmergeable(wanted: AdapterCase) throws {
    guard !wanted.method.capabilities.contains(.mergeable) else { return }
    let layer = try AdaptedLayer(wanted)
    let error = #expect(throws: AdapterError.self) { _ = try layer.model.merge() }
    #expect(error?.exitCode == .unavailable)
    #expect("\(error.map { "\($0)" } ?? "")".contains("block.0.layer"))
  }

  @Test("trains as many values as its formula says", arguments: AdapterCase.all)
  func count(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    let method = try #require(layer.adapter.method)
    let (modules, blocks) = (layer.adapter.modules, layer.adapter.blocks)
    let counted =
      modules.reduce(0) { $0 + method.trainableCount(for: $1.target) }
      + blocks.reduce(0) { $0 + method.trainableCount(for: $1.target) }
      + method.sharedCount(for: modules.map(\.target), blocks.map(\.target))
    let actual = layer.adapter.parameters.reduce(0) { $0 + $1.elementCount }
    #expect(counted == actual)
    #expect(actual > 0)
  }

  @Test("computes in bf16 what it computes in single precision", arguments: AdapterCase.all)
  func halfPrecision(wanted: AdapterCase) throws {
    let layer = try AdaptedLayer(wanted)
    layer.perturb()
    var context = ForwardContext.evaluation
    context.precision = .bf16
    let (full, half) = (layer.output(), layer.output(for: nil, context))
    #expect(half.largestDifference(from: full) <= 0.03 * full.largestMagnitude)
  }

  @Test(
    "comes back from its directory bit for bit",
    arguments: AdapterCase.all.filter(\.isSavedValueByValue))
  func roundTrip(wanted: AdapterCase) throws {
    let folder = try TemporaryDirectory()
    let layer = try AdaptedLayer(wanted)
    layer.perturb()
    try layer.adapter.save(
      to: folder.path("adapter"), base: "base", baseDigest: "d1", on: layer.tree)
    let directory = try PEFTDirectory(
      reading: folder.path("adapter"), accepting: [wanted.method.peftType])
    #expect(directory.configuration["base_model_name_or_path"]?.string == "base")
    let other = try AdaptedLayer(wanted)
    try other.adapter.load(from: directory, baseDigest: "d1", names: ModuleNames(other.tree))
    let opened = try AdaptedLayer(wanted)
    for site in opened.tree.sites { site.detachAll() }
    for block in opened.tree.blocks { block.detachAll() }
    let third = try OpenedAdapter(directory, adapterMethods).attach(
      named: "test", on: opened.tree, layouts: [], baseDigest: "d1")
    #expect(opened.output().bits == layer.output().bits, "found by its directory alone")
    #expect(third.parameters.map(\.path) == layer.adapter.parameters.map(\.path))
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
    try layer.adapter.save(to: path, base: nil, baseDigest: "d1", on: layer.tree)
    let methods = [wanted.method.peftType]
    func load(baseDigest: String? = "d1") throws {
      try layer.adapter.load(
        from: try PEFTDirectory(reading: path, accepting: methods), baseDigest: baseDigest,
        names: ModuleNames(layer.tree))
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
      guard tensor.dtype == .f32 else { continue }
      changed[index].tensor = tensor + Tensor(filledWith: .nan, shape: tensor.shape)
      try write(changed)
      #expect(throws: CheckpointError.self, "\(changed[index].name)") { try load() }
    }
    try write(tensors)
    try load()
  }
}

/// A map that leaves the weight as it is.
private struct Unchanged: WeightMap {
  var parameters: [Parameter] { [] }
  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor { base }
}
