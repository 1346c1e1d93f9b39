import Attune
import Backbones
import Checkpoints
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Loading weights") struct WeightsLoaderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Blocks of `width` with a fused matrix, a buffer and a head of `classes`.
  private func tree(width: Int = 4, blocks: Int = 2, classes: Int = 3) -> ModuleTree {
    let builder = ModelBuilder()
    for index in 0..<blocks {
      let block = builder.root / "blocks" / index
      _ = LayerNorm(block / "norm", width: width, epsilon: 1e-5)
      _ = Linear(block / "qkv", inputs: width, outputs: 3 * width)
    }
    _ = (builder.root / "bn").buffer("count", shape: [], dtype: .i64, .zeros)
    _ = Linear(builder.root / "head", inputs: width, outputs: classes, groups: ["head"])
    return builder.tree
  }

  private static let plain = KeyLayout(
    "plain", recognizes: { $0.contains("blocks.0.qkv.weight") },
    ignores: { $0.hasPrefix("computed.") }, key: { $0 })

  /// q, k and v apart.
  private static let split = KeyLayout(
    "split", recognizes: { $0.contains("blocks.0.q.weight") },
    parts: { path in
      path.contains(".qkv.")
        ? ["q", "k", "v"].map { StoredPart(path.replacing(".qkv.", with: ".\($0).")) }
        : [StoredPart(path)]
    })

  /// Values that tell each element of each key from all others.
  private func tensors(_ tree: ModuleTree) -> [(name: String, tensor: Tensor)] {
    tree.stored.enumerated().map { index, parameter in
      guard parameter.dtype == .f32 else { return (parameter.path, Tensor([Int64(7)], shape: [])) }
      let values = (0..<parameter.elementCount).map { Float(1000 * (index + 1) + $0) }
      return (parameter.path, Tensor(values, shape: parameter.shape))
    }
  }

  private func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]
  ) throws -> String {
    try writeSafetensors(tensors, metadata: metadata, to: folder.file("w.safetensors"))
    return folder.file("w.safetensors")
  }

  private func load(
    _ path: String, into tree: ModuleTree, _ options: WeightOptions = .init()
  ) throws -> RunRecord.Weights {
    try loadWeights(path, into: tree, layouts: [Self.plain, Self.split], options: options) {
      _, _, _ in nil
    }
  }

  /// The text of the refusal of a load.
  private func refusal(
    _ path: String, _ tree: ModuleTree, _ options: WeightOptions = .init()
  ) throws -> String {
    let error = try #require(
      #expect(throws: (any Error).self) { try load(path, into: tree, options) })
    #expect(programExitCode(of: error) == .malformedData)
    return "\(error)"
  }

  @Test("whole keys, a buffer and the head fit; a computed key may be left over") func whole()
    throws
  {
    let model = tree()
    let stored = tensors(model)
    let path = try write(stored + [("computed.table", Tensor(zeros: [2]))])
    let record = try load(path, into: model)
    #expect(record.matched == 11)
    #expect(record.missing + record.unexpected + record.resized == [])
    #expect(record.layout == "plain")
    #expect(record.digest == (try SHA256Digest.ofFile(path)))
    for (name, tensor) in stored where tensor.dtype == .f32 {
      let parameter = try #require(model.stored.first { $0.path == name })
      #expect(parameter.value.bits == tensor.bits, "\(name)")
    }
    #expect(model.buffers[0].value.elements(as: Int64.self) == [7])
    #expect(
      record.summary
        == "weights \(path), layout plain: 11 matched, 0 missing, 0 unexpected, 0 resized")
  }

  @Test("parts are joined in their order, behind a wrapper's prefix", arguments: ["", "module."])
  func parts(prefix: String) throws {
    let model = tree()
    let stored = tensors(model)
    let parts = stored.flatMap { item -> [(name: String, tensor: Tensor)] in
      guard item.name.contains(".qkv.") else { return [(prefix + item.name, item.tensor)] }
      return ["q", "k", "v"].enumerated().map { index, letter in
        (
          prefix + item.name.replacing(".qkv.", with: ".\(letter)."),
          item.tensor.sliced(axis: 0, (4 * index)..<(4 * index + 4))
        )
      }
    }
    let record = try load(try write(parts), into: model)
    #expect(record.layout == "split")
    for (name, tensor) in stored where tensor.dtype == .f32 {
      #expect(model.parameter(name)?.value.bits == tensor.bits, "\(name)")
    }
    let broken = parts.map { item in
      item.name.hasSuffix("blocks.0.k.weight") ? (item.name, Tensor(zeros: [4, 5])) : item
    }
    #expect(try refusal(try write(broken), tree()).contains("blocks.0.k.weight"))
  }

  @Test("a head of another size, or none, is listed and drawn") func heads() throws {
    let path = try write(tensors(tree(classes: 10)))
    let model = tree()
    let record = try load(path, into: model)
    #expect(record.matched == 9)
    #expect(record.missing.count == 2)
    #expect(record.missing[0].contains("head.weight [10, 4]"))
    #expect(model.parameter("head.weight")?.isSet == true)
    let without = try load(
      try write(tensors(tree()).filter { !$0.name.hasPrefix("head") }), into: tree())
    #expect(without.missing == ["head.weight", "head.bias"])
    let foreign = try load(
      try write(tensors(tree()) + [("fc.weight", Tensor(zeros: [2]))]), into: tree())
    #expect(foreign.unexpected == ["fc.weight"])
  }

  @Test("missing and unexpected keys are refused, or reported where the recipe says so")
  func strictness() throws {
    let stored =
      tensors(tree()).filter { $0.name != "blocks.1.norm.bias" } + [("other", Tensor(zeros: [1]))]
    let path = try write(stored)
    let model = tree()
    let text = try refusal(path, model)
    #expect(text.contains("blocks.1.norm.bias is missing"))
    #expect(text.contains("other is unexpected"))
    #expect(model.stored.allSatisfy { !$0.isSet }, "nothing is changed by a failed load")
    var options = WeightOptions()
    options.strictness = .report
    let record = try load(path, into: model, options)
    #expect(record.missing == ["blocks.1.norm.bias"])
    #expect(record.unexpected == ["other"])
    #expect(record.matched == 10)
  }

  @Test("another size is named with both") func size() throws {
    let path = try write(tensors(tree(width: 8, blocks: 3)))
    let text = try refusal(path, tree())
    #expect(
      text.contains("the file is 8 wide with 3 blocks; the recipe asks for 4 wide with 2 blocks"))
    let deeper = try refusal(try write(tensors(tree(blocks: 5))), tree())
    #expect(deeper.contains("the file is 4 wide with 5 blocks; the recipe asks for 4 wide with 2"))
  }

  @Test("NaN and infinite values are refused with their key") func notFinite() throws {
    let stored = tensors(tree()).map { item in
      item.name == "blocks.0.norm.weight"
        ? (item.name, Tensor([1, .nan, .infinity, 2] as [Float], shape: [4])) : item
    }
    let text = try refusal(try write(stored), tree())
    #expect(text.contains("blocks.0.norm.weight holds 1 NaN and 1 infinite values"))
  }

  @Test("a prefix is cut off on request, and proposed where it is missing") func prefix() throws {
    let stored = tensors(tree()).map { ("encoder." + $0.name, $0.tensor) }
    let path = try write(stored + [("decoder.weight", Tensor(zeros: [2]))])
    #expect(try refusal(path, tree()).contains("set model.weights_prefix: encoder."))
    var options = WeightOptions()
    options.prefix = "encoder."
    #expect(try load(path, into: tree(), options).matched == 11)
    options.prefix = "nothing."
    let error = #expect(throws: RunError.self) { try load(path, into: tree(), options) }
    #expect(error?.exitCode == .invalidRecipe)
  }

  @Test("keys of another program are refused with the layouts tried and the nearest keys")
  func foreign() throws {
    let path = try write([("blocks.0.qvk.weight", Tensor(zeros: [2, 2]))])
    let text = try refusal(path, tree())
    for part in ["plain: 0", "split: 0", "blocks.0.qkv.weight (nearest: blocks.0.qvk.weight)"] {
      #expect(text.contains(part), "\(text)")
    }
  }

  @Test("a missing shard is a missing file") func shard() throws {
    let index = #"{"weight_map": {"blocks.0.qkv.weight": "a-00001-of-00002.safetensors"}}"#
    let path = try folder.write(Data(index.utf8), to: "model.safetensors.index.json")
    let error = try #require(#expect(throws: (any Error).self) { try load(path, into: tree()) })
    #expect(programExitCode(of: error) == .inputMissing)
    #expect("\(error)".contains("a-00001-of-00002.safetensors"))
  }

  @Test("one tensor for two parameters is given to each in memory of its own") func tied() throws {
    let builder = ModelBuilder()
    let first = builder.root.parameter("a", shape: [2], .zeros)
    let second = builder.root.parameter("b", shape: [2], .zeros)
    let path = try write([("w", Tensor([1, 2] as [Float], shape: [2]))])
    _ = try loadWeights(path, into: builder.tree, layouts: [KeyLayout("tied", key: { _ in "w" })]) {
      _, _, _ in nil
    }
    #expect(first.value.bits == second.value.bits)
    #expect(first.value.pointer != second.value.pointer)
  }

  @Test("other shapes and other bands go to the backbone's rule") func fitting() throws {
    let builder = ModelBuilder()
    let kernel = builder.root.parameter("kernel", shape: [1, 2], .ones)
    let path = try write(
      [("kernel", Tensor([1, 2, 3] as [Float], shape: [1, 3]))],
      metadata: ["bands": "red, green, blue"])
    var options = WeightOptions()
    options.channelPolicy = .select
    options.dataBands = ["blue", "red"]
    let record = try loadWeights(
      path, into: builder.tree, layouts: [KeyLayout("k", key: { $0 })], options: options
    ) { stored, _, fit in
      #expect(fit.channels == [2, 0])
      #expect(fit.layout == "k")
      return Tensor([stored.elements(as: Float.self)[2], 1] as [Float], shape: [1, 2])
    }
    #expect(record.resized == ["kernel"])
    #expect(kernel.value.elements(as: Float.self) == [3, 1])
    options.dataBands = ["blue", "nir"]
    let error = #expect(throws: RunError.self) {
      try loadWeights(
        path, into: builder.tree, layouts: [KeyLayout("k", key: { $0 })], options: options
      ) { _, _, _ in nil }
    }
    #expect(error?.description.contains("nir") == true)
  }

  @Test(
    "a ViT opens from timm's and transformers' names, whole and in shards, with equal values",
    .enabled(if: Shared.isPresent, "../shared is absent"))
  func vit() throws {
    func loaded(_ file: String) throws -> (RunRecord.Weights, ModuleTree) {
      let builder = ModelBuilder()
      let vit = ViT(SmallViT.configuration, in: builder.root)
      let record = try loadWeights(
        Shared.path("fixtures/peft/" + file), into: builder.tree, layouts: vit.layouts
      ) { _, _, _ in nil }
      return (record, builder.tree)
    }
    let (record, whole) = try loaded("base_timm/model.safetensors")
    #expect(record.layout == "timm")
    #expect(record.matched == whole.stored.count)
    let (_, sharded) = try loaded("base_timm_sharded")
    for (one, other) in zip(whole.stored, sharded.stored) {
      #expect(one.value.bits == other.value.bits, "\(one.path)")
    }
    let (files, old) = try loaded("base_hf/model.safetensors")
    let (modules, new) = try loaded("base_hf/model_v5_names.safetensors")
    #expect(files.layout == "hf" && modules.layout == "hf")
    for (one, other) in zip(old.stored, new.stored) {
      #expect(one.value.bits == other.value.bits, "\(one.path)")
    }
  }
}
