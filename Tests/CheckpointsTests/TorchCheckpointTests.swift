import Checkpoints
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("PyTorch checkpoints") struct TorchCheckpointTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A checkpoint whose storage `0` holds 0, 1, 2 … as F32.
  private func open(_ pickle: [UInt8], storageCount: Int = 6) throws -> TorchCheckpoint {
    var builder = ZipBuilder()
    builder.add("archive/data.pkl", pickle)
    builder.add("archive/byteorder", Array("little".utf8))
    let values = (0..<storageCount).map { Float($0) }
    builder.add("archive/data/0", values.withUnsafeBytes { Array($0) })
    let file = try openCheckpoint(try folder.write(builder.data, to: "a.pth"))
    return try #require(file as? TorchCheckpoint)
  }

  @Test("reads a bare state dictionary with views of one storage") func views() throws {
    let parameter =
      Array("ctorch._utils\n_rebuild_parameter\n(".utf8) + Pickle.tensor(shape: [2], strides: [3])
      + [0x88] + Array("ccollections\nOrderedDict\n)RtR".utf8)
    let checkpoint = try open(
      Pickle.pickle(
        Pickle.dictionary([
          ("whole", Pickle.tensor(shape: [2, 3], strides: [3, 1])),
          ("transposed", Pickle.tensor(shape: [3, 2], strides: [1, 3])),
          ("tail", Pickle.tensor(offset: 4, shape: [2], strides: [1])),
          ("scalar", Pickle.tensor(offset: 5, shape: [], strides: [])),
          ("none", Pickle.tensor(shape: [0, 4], strides: [4, 1])), ("parameter", parameter),
        ])))
    #expect(checkpoint.stateKey == nil)
    #expect(
      checkpoint.names == ["whole", "transposed", "tail", "scalar", "none", "parameter"])
    #expect(try checkpoint.tensor("whole").elements(as: Float.self) == [0, 1, 2, 3, 4, 5])
    #expect(try checkpoint.tensor("transposed").elements(as: Float.self) == [0, 3, 1, 4, 2, 5])
    #expect(try checkpoint.tensor("tail").elements(as: Float.self) == [4, 5])
    #expect(try checkpoint.tensor("scalar").elements(as: Float.self) == [5])
    #expect(try checkpoint.tensor("none").shape == [0, 4])
    #expect(try checkpoint.tensor("parameter").elements(as: Float.self) == [0, 3])
  }

  @Test("finds the state dictionary and keeps the rest") func nested() throws {
    let state = Pickle.dictionary([("w", Pickle.tensor(shape: [6], strides: [1]))])
    let optimizer = Pickle.dictionary([
      ("state", Pickle.dictionary([("m", Pickle.tensor(shape: [1], strides: [1]))]))
    ])
    let checkpoint = try open(
      Pickle.pickle(
        Pickle.dictionary([
          ("optimizer_state_dict", optimizer), ("state_dict", state),
          ("epoch", Array("K\u{7}".utf8)),
          ("loss", [UInt8(ascii: "G"), 0x3F, 0xE0, 0, 0, 0, 0, 0, 0]), ("best", [0x88]),
          ("n", [0x8A, 2, 0xFE, 0xFF]), ("note", Array("N".utf8)),
        ])))
    #expect(checkpoint.stateKey == "state_dict")
    #expect(checkpoint.names == ["w"])
    #expect(checkpoint.root["epoch"]?.integer == 7)
    #expect(checkpoint.root["loss"] == .float(0.5))
    #expect(checkpoint.root["best"] == .bool(true))
    #expect(checkpoint.root["n"] == .integer(-2))
    #expect(checkpoint.root["note"] == PickleValue.none)
    #expect(
      checkpoint.flattened().map(\.name) == ["optimizer_state_dict.state.m", "state_dict.w"])
  }

  @Test(
    "refuses every other name and runs nothing",
    arguments: [
      "cos\nsystem\n(S'touch /tmp/x'\ntR.", "cposix\nsystem\n.", "cbuiltins\neval\n.",
      "c__builtin__\nexec\n.", "ctorch\nload\n.", "cnumpy.core.multiarray\nscalar\n.",
      "cargparse\nNamespace\n)\u{81}.", "ccollections\nnamedtuple\n.",
    ])
  func refuses(text: String) throws {
    let name = text.dropFirst().split(separator: "\n").prefix(2).joined(separator: ".")
    let error = #expect(throws: CheckpointError.self) {
      try open(text.unicodeScalars.map { UInt8($0.value) })
    }
    #expect(error == .refusedObject(path: folder.file("a.pth"), name: name))
  }

  @Test(
    "refuses tensors that leave their storage",
    arguments: [
      (0, [7], [1], 6), (1, [6], [1], 6), (0, [2, 3], [4, 1], 6), (7, [0], [1], 6),
      (0, [2, 3], [3], 6), (0, [9], [0], 6), (0, [8], [1], 8),
    ] as [(UInt8, [UInt8], [UInt8], UInt8)])
  func outside(offset: UInt8, shape: [UInt8], strides: [UInt8], storageCount: UInt8) throws {
    let body = Pickle.dictionary([
      (
        "w",
        Pickle.tensor(offset: offset, shape: shape, strides: strides, storageCount: storageCount)
      )
    ])
    let error = #expect(throws: CheckpointError.self) {
      try open(Pickle.pickle(body)).tensor("w")
    }
    #expect(error?.category == .invalidData)
  }

  @Test("refuses lists within themselves, deep nesting and endless repetition") func hostile() {
    let cycle = Array("]q\0h\0a.".utf8)
    #expect(throws: CheckpointError.self) { try open(cycle) }
    let deep = Array(")".utf8) + [UInt8](repeating: 0x85, count: 1_000_000) + Array(".".utf8)
    #expect(throws: CheckpointError.self) { try open(deep) }
    var laughs = Array("]q\0".utf8)
    for level in 1...90 as ClosedRange<UInt8> {
      laughs += Array("](h".utf8) + [level - 1] + Array("h".utf8) + [level - 1]
      laughs += Array("eq".utf8) + [level]
    }
    #expect(throws: CheckpointError.self) { try open(laughs + Array(".".utf8)) }
  }

  @Test("survives a pickle that is cut off or changed at any byte") func fuzz() throws {
    let whole = Pickle.pickle(
      Pickle.dictionary([("w", Pickle.tensor(shape: [2, 3], strides: [3, 1]))]))
    for count in 0..<whole.count {
      #expect(throws: CheckpointError.self) { try open(Array(whole.prefix(count))) }
    }
    for position in whole.indices {
      for change in [0x01, 0x80, 0xFF] as [UInt8] {
        var bytes = whole
        bytes[position] ^= change
        guard let checkpoint = try? open(bytes) else { continue }
        for name in checkpoint.names { _ = try? checkpoint.tensor(name) }
      }
    }
  }

  @Test("refuses big-endian files, archives of something else and bare pickles") func others()
    throws
  {
    var builder = ZipBuilder()
    builder.add("archive/data.pkl", Array("}.".utf8))
    builder.add("archive/byteorder", Array("big".utf8))
    let big = try folder.write(builder.data, to: "big.pth")
    let error = #expect(throws: CheckpointError.self) { try openCheckpoint(big) }
    #expect(error?.category == .unsupported)
    var other = ZipBuilder()
    other.add("a.txt", [1])
    let archive = try folder.write(other.data, to: "other.pth")
    #expect(throws: CheckpointError.self) { try openCheckpoint(archive) }
    let bare = try folder.write(Data([0x80, 2, 0x7D, 0x2E]), to: "old.pth")
    let old = #expect(throws: CheckpointError.self) { try openCheckpoint(bare) }
    #expect(old?.category == .unsupported)
    #expect(throws: CheckpointError.self) { try openCheckpoint(folder.path) }
    #expect(throws: CheckpointError.self) { try openCheckpoint(folder.file("none")) }
  }

  @Test(
    "reads MORPH's container and strips the prefix",
    .enabled(if: Shared.isPresent, "../shared is absent"))
  func morph() throws {
    let base = "fixtures/morph/c17_checkpoint_container_module_prefix"
    let expected = try openCheckpoint(Shared.path(base + ".expected.safetensors"))
    let file = try openCheckpoint(Shared.path(base + ".pth"))
    let checkpoint = try #require(file as? TorchCheckpoint)
    #expect(checkpoint.stateKey == "model_state_dict")
    #expect(checkpoint.root["epoch"]?.integer == 225)
    #expect(checkpoint.root["optimizer_state_dict"] != nil)
    let stripped = checkpoint.strippingCommonPrefix("module.")
    let weights = expected.names.filter { $0.hasPrefix("weight.") }
    #expect(weights.count == 54)
    #expect(Set(stripped.names.map { "weight." + $0 }) == Set(weights))
    for name in stripped.names {
      #expect(stripped.entry(name) == expected.entry("weight." + name))
      #expect(
        try stripped.tensor(name).elements(as: Float.self).map(\.bitPattern)
          == (try expected.tensor("weight." + name).elements(as: Float.self).map(\.bitPattern)))
    }
    #expect(stripped.strippingCommonPrefix("module.").names == stripped.names)
    #expect(throws: CheckpointError.self) { try stripped.tensor("module.decoder.norm.weight") }
  }
}
