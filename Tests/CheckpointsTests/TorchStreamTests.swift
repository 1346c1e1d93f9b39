import Checkpoints
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("PyTorch checkpoints before 1.6") struct TorchStreamTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let mark: [UInt8] = [
    0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  /// Two tensors, one of them a view, and one in half precision.
  private static let content = Pickle.dictionary([
    (
      "state_dict",
      Pickle.dictionary([
        ("w", Pickle.tensor(shape: [2, 3], strides: [3, 1], key: "94", view: Array("N".utf8))),
        ("t", Pickle.tensor(shape: [3, 2], strides: [1, 3], key: "94", view: Array("N".utf8))),
        (
          "h",
          Pickle.tensor(
            shape: [2], strides: [1], key: "95", type: "HalfStorage", storageCount: 2)
        ),
      ])
    ), ("epoch", Array("K\u{3}".utf8)),
  ])

  private static let floats = (0..<6).map { Float($0) }.withUnsafeBytes { Array($0) }

  private static func storage(_ count: UInt8, _ elements: [UInt8]) -> [UInt8] {
    [count, 0, 0, 0, 0, 0, 0, 0] + elements
  }

  /// A file as `torch.save(…, _use_new_zipfile_serialization=False)` writes it.
  private static func file(
    version: [UInt8] = [UInt8(ascii: "M"), 0xE9, 3],
    isLittleEndian: Bool = true, content: [UInt8] = Self.content, keys: [String] = ["94", "95"],
    storages: [UInt8] = storage(6, floats) + storage(2, [0, 0x3C, 0, 0xC0])
  ) -> [UInt8] {
    let machine = Pickle.dictionary([("little_endian", [isLittleEndian ? 0x88 : 0x89])])
    return Pickle.pickle(mark) + Pickle.pickle(version) + Pickle.pickle(machine)
      + Pickle.pickle(content) + Pickle.pickle(Pickle.list(keys.map { Pickle.text($0) }))
      + storages
  }

  private func open(_ bytes: [UInt8]) throws -> any TensorSource {
    try openCheckpoint(try folder.write(Data(bytes), to: "old.pth"))
  }

  @Test("are read with views and half precision") func reads() throws {
    let source = try open(Self.file())
    let checkpoint = try #require(source as? TorchCheckpoint)
    #expect(checkpoint.stateKey == "state_dict")
    #expect(checkpoint.root["epoch"]?.integer == 3)
    #expect(source.names == ["w", "t", "h"])
    #expect(source.entry("h") == TensorEntry(shape: [2], type: .f16))
    #expect(try source.tensor("w").elements(as: Float.self) == [0, 1, 2, 3, 4, 5])
    #expect(try source.tensor("t").elements(as: Float.self) == [0, 3, 1, 4, 2, 5])
    #expect(try source.tensor("h").elements(as: Float.self) == [1, -2])
    let framed = [0x80, 4, 0x95] + [13, 0, 0, 0, 0, 0, 0, 0] + Self.mark + Array(".".utf8)
    let plain = Pickle.pickle(Self.mark).count
    #expect(try open(framed + Self.file().dropFirst(plain)).names == ["w", "t", "h"])
  }

  @Test("of another version, byte order or with parts of storages are refused") func refuses() {
    let version = #expect(throws: CheckpointError.self) {
      try open(Self.file(version: Array("K\u{1}".utf8)))
    }
    #expect(version?.category == .unsupported)
    let order = #expect(throws: CheckpointError.self) {
      try open(Self.file(isLittleEndian: false))
    }
    #expect(order?.category == .unsupported)
    let part = Pickle.tensor(
      shape: [2], strides: [1], key: "94", view: Pickle.text("95") + Pickle.integers([1, 2]))
    #expect(throws: CheckpointError.self) {
      try open(Self.file(content: Pickle.dictionary([("w", part)])))
    }
    let call = #expect(throws: CheckpointError.self) {
      try open(Self.file(content: Array("cos\nsystem\n(S'x'\ntR".utf8)))
    }
    #expect(call == .refusedObject(path: folder.file("old.pth"), name: "os.system"))
  }

  @Test("with storages that are missing, too short, too long or listed twice are refused")
  func storages() throws {
    #expect(throws: CheckpointError.self) {
      try open(Self.file(storages: Self.storage(6, Self.floats)))
    }
    #expect(throws: CheckpointError.self) {
      try open(Self.file(storages: Self.storage(7, Self.floats) + Self.storage(2, [0, 0, 0, 0])))
    }
    #expect(throws: CheckpointError.self) { try open(Self.file(keys: ["94", "94"])) }
    #expect(throws: CheckpointError.self) { try open(Self.file(keys: ["94", "96"])) }
    let unlisted = try open(Self.file(keys: ["94"], storages: Self.storage(6, Self.floats)))
    #expect(throws: CheckpointError.self) { try unlisted.tensor("h") }
  }

  @Test("survive any cut and any changed byte") func fuzz() throws {
    let whole = Self.file()
    for count in 0..<whole.count {
      #expect(throws: CheckpointError.self, "\(count)") { try open(Array(whole.prefix(count))) }
    }
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= 0x81
      guard let source = try? open(bytes) else { continue }
      for name in source.names { _ = try? source.tensor(name) }
    }
  }
}
