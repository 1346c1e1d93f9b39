import Foundation

/// Pieces of pickles as PyTorch writes them, byte by byte.
enum Pickle {
  static func text(_ text: String) -> [UInt8] {
    [UInt8(ascii: "X"), UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
  }

  static func integers(_ values: [UInt8]) -> [UInt8] {
    Array("(".utf8) + values.flatMap { [UInt8(ascii: "K"), $0] } + Array("t".utf8)
  }

  /// A tensor on the storage `key`, whose `type` is the name of PyTorch's class.
  ///
  /// `view` stands behind the storage's count, as in the format before 1.6.
  static func tensor(
    offset: UInt8 = 0, shape: [UInt8], strides: [UInt8], key: String = "0",
    type: String = "FloatStorage", storageCount: UInt8 = 6, view: [UInt8] = []
  ) -> [UInt8] {
    Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
      + Array("ctorch\n\(type)\n".utf8) + text(key) + text("cpu")
      + [UInt8(ascii: "K"), storageCount] + view + Array("tQ".utf8) + [UInt8(ascii: "K"), offset]
      + integers(shape) + integers(strides) + [0x89]
      + Array("ccollections\nOrderedDict\n)RtR".utf8)
  }

  static func dictionary(_ entries: [(String, [UInt8])]) -> [UInt8] {
    Array("}(".utf8) + entries.flatMap { text($0.0) + $0.1 } + Array("u".utf8)
  }

  static func list(_ items: [[UInt8]]) -> [UInt8] {
    Array("](".utf8) + items.flatMap { $0 } + Array("e".utf8)
  }

  /// A pickle of protocol 2 around a value.
  static func pickle(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body + Array(".".utf8) }
}
