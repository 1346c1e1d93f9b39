import Adapters
import Backbones
import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Tensors

/// Runs the folder of an adapter case: the adapter of a reference program on a small model, its
/// outputs, merged weights and gradients.
///
/// A folder `adapter` is a directory that PEFT wrote; else `adapter.safetensors` holds the values under
/// the reference's names, which are the paths of ours.
enum AdapterParity {
  /// Whether the case's method is offered.
  static func offers(_ parityCase: ParityCase, _ registries: Registries) -> Bool {
    let methods = registries.adapterMethods.entries
    return methods.contains { $0.peftType == parityCase.adapter || $0.name == parityCase.adapter }
  }

  static func run(_ parityCase: ParityCase, _ registries: Registries) throws -> ParityRun {
    guard let folder = parityCase.folder, let name = parityCase.description["base"]?.string else {
      throw VerifyError("\(parityCase.name): an adapter case without base")
    }
    let contributions = try ContributionParity(parityCase, folder, base: name)
    let base = try AdapterBase(name, beside: folder)
    let (adapter, names) = try attached(parityCase, folder, base, registries)
    let model = AdaptedModel(tree: base.tree, adapters: [adapter], freezesBackbone: true)
    var run = ParityRun()
    try contributions?.add(to: &run, parityCase, folder)
    let input = try parityCase.tensor("input.x")
    let adapted = base.forward(input)
    run.tensors["output.output_adapted"] = adapted.detached()
    run.tensors["output.logits_for_loss"] = adapted.detached()
    let loss = try self.loss(parityCase, adapted)
    run.loss = loss.scalar
    var gradients = loss.gradients()
    for hook in try adapter.hooks() { hook.change(&gradients, step: 0, of: 1) }
    try addGradients(gradients, "grad.", adapter, base.tree, names, to: &run)
    // A file may hold a single number without an axis.
    for name in parityCase.names("grad.").map({ "grad." + $0 }) {
      guard let found = run.tensors[name], found.elementCount == 1 else { continue }
      run.tensors[name] = found.reshaped(to: try parityCase.tensor(name).shape)
    }
    let terms = adapter.modules.compactMap { module in
      (module.change as? any Regularized).map {
        (module.target, $0.regularizer(module.target.layer))
      }
    }
    if let first = terms.first {
      for (target, value) in terms {
        run.tensors["output.regulariser." + target.site.path] = value.detached()
          .reshaped(to: [1])
      }
      let sum = terms.dropFirst().reduce(first.1) { $0 + $1.1 }
      run.tensors["output.regulariser"] = sum.detached().reshaped(to: [1])
      try addGradients(sum.gradients(), "grad_regulariser.", adapter, base.tree, names, to: &run)
    }
    guard parityCase.description["merge_supported"]?.bool == true else { return run }
    let state = try model.merge()
    run.tensors["output.output_merged"] = base.forward(input).detached()
    for parameter in base.tree.parameters {
      let keys = names.keys(of: parameter.path)
      let rows = (parameter.shape.first ?? 1) / keys.count
      for (index, key) in keys.enumerated() {
        let part =
          keys.count == 1
          ? parameter.value
          : parameter.value.sliced(axis: 0, (index * rows)..<((index + 1) * rows))
        run.tensors["output.merged." + key] = part
      }
    }
    state.undo()
    return run
  }

  /// Mean cross entropy, or the loss that the case names.
  private static func loss(_ parityCase: ParityCase, _ output: Tensor) throws -> Tensor {
    if parityCase.description["loss_spec"] != nil,
      let loss = try parityLoss(
        parityCase, ["output.logits_for_loss": output, "output.output_adapted": output])
    {
      return loss
    }
    if parityCase.description["loss"]?.string?.hasPrefix("PSNR") == true {
      return negativePSNR(output, try parityCase.tensor("input.target"), epsilon: 1e-8)
    }
    return crossEntropy(
      output, labels: labels(try parityCase.tensor("input.labels")), ignoring: nil,
      smoothing: 0)
  }

  private static func attached(
    _ parityCase: ParityCase, _ folder: String, _ base: AdapterBase, _ registries: Registries
  ) throws -> (AttachedAdapter, ModuleNames) {
    if FileManager.default.fileExists(atPath: folder + "/adapter") {
      let opened = try OpenedAdapter(
        PEFTDirectory(reading: folder + "/adapter"), registries.adapterMethods)
      let adapter = try opened.attach(
        named: parityCase.name, on: base.tree, layouts: base.layouts, baseDigest: nil)
      let auxiliary = try openCheckpoint(folder + "/io.safetensors")
      for buffer in adapter.buffers where auxiliary.names.contains("aux." + buffer.path) {
        buffer.value = try auxiliary.tensor("aux." + buffer.path)
      }
      return (adapter, try opened.names(base.tree, base.layouts))
    }
    let values = try openCheckpoint(folder + "/adapter.safetensors")
    let auxiliary = try openCheckpoint(folder + "/io.safetensors")
    let adapter = try base.attach(parityCase, values, registries)
    var used = Set<String>()
    for parameter in adapter.parameters + adapter.buffers + adapter.saved {
      let name = SharedValues.name(parameter.path) ?? parameter.path
      let candidates = [(values, name), (values, PEFTPrefix.key(name)), (auxiliary, "aux." + name)]
      guard let (source, key) = candidates.first(where: { $0.0.names.contains($0.1) }) else {
        if parameter.isBuffer { continue }
        throw VerifyError("\(parityCase.name): no tensor \(name) in adapter.safetensors")
      }
      let value = try ordered(source.tensor(key), for: parameter)
      guard value.elementCount == parameter.elementCount else {
        throw VerifyError(
          "\(parityCase.name): \(key) has shape \(value.shape), expected \(parameter.shape)")
      }
      used.insert(key)
      parameter.value = value.cast(to: parameter.dtype).reshaped(to: parameter.shape).copied()
    }
    let stray = values.names.first { name in
      !used.contains(name) && !name.contains("num_batches")
        && adapter.method?.ignores(name) != true
    }
    if let stray {
      throw VerifyError("\(parityCase.name): the adapter has no place for \(stray)")
    }
    return (adapter, ModuleNames(base.tree))
  }

  /// A value as the parameter holds it: of a permutation matrix P the order alone, by which row j of X
  /// is row `order[j]` of P X.
  private static func ordered(_ value: Tensor, for parameter: Parameter) -> Tensor {
    let size = parameter.elementCount
    guard parameter.dtype == .i64, value.dtype == .f32, value.shape == [size, size] else {
      return value
    }
    var order = [Int64](repeating: 0, count: size)
    for (place, entry) in value.elements(as: Float.self).enumerated() where entry != 0 {
      order[place % size] = Int64(place / size)
    }
    return Tensor(order, shape: [size])
  }

  /// Gradients under the names that a file has for the values: those of joined values are joined alike.
  private static func addGradients(
    _ gradients: Gradients, _ prefix: String, _ adapter: AttachedAdapter, _ tree: ModuleTree,
    _ names: ModuleNames, to run: inout ParityRun
  ) throws {
    var values: [(parameter: Parameter, value: Tensor)] = []
    for parameter in adapter.parameters {
      values.append((parameter, parameter.value))
      parameter.value =
        gradients[parameter.leaf] ?? Tensor(zeros: parameter.shape, dtype: parameter.dtype)
    }
    let record = try adapter.record(names)
    for value in record.values {
      run.tensors[prefix + PEFTPrefix.key(value.name)] = value.tensor
      run.tensors[prefix + value.name] = value.tensor
    }
    for value in record.shared {
      run.tensors[prefix + PEFTDirectory.key(shared: value.name)] = value.tensor
      run.tensors[prefix + value.name] = value.tensor
    }
    for (parameter, value) in values { parameter.value = value }
    let adapted = Set(adapter.modules.map(\.target.site.path))
    for parameter in tree.parameters {
      guard let gradient = gradients[parameter.leaf] else { continue }
      let module = parameter.path.split(separator: ".").dropLast().joined(separator: ".")
      for key in names.keys(of: parameter.path) {
        let name = adapted.contains(module) ? AttachedAdapter.baseLayer(key) : key
        run.tensors[prefix + PEFTPrefix.key(name)] = gradient
        run.tensors[prefix + PEFTPrefix.key(OpenedAdapter.savedName(key))] = gradient
        run.tensors[prefix + PEFTPrefix.key(AttachedAdapter.replacedName(key))] = gradient
        run.tensors[prefix + key] = gradient
      }
    }
  }
}

/// Full keys of names below the base model.
private enum PEFTPrefix {
  static func key(_ name: String) -> String {
    String(PEFTDirectory.key(module: name, parameter: "").dropLast())
  }
}
