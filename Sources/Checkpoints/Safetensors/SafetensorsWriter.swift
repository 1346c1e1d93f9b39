import Formats
import Foundation
package import Tensors

/// Writes named tensors as one safetensors file, as a whole or not at all.
///
/// Wider types come first, then names in order; the header is padded so that the data begins at a
/// multiple of 8, as in files of the reference library.
///
/// - Parameters:
///   - tensors: Names and values; tied tensors are written once for each name.
///   - metadata: Texts beside `format: pt`, which readers ask for.
///   - path: File to write.
/// - Throws: `CheckpointError.duplicateTensor` or `.file`.
package func writeSafetensors(
  _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to path: String
) throws(CheckpointError) {
  let ordered = tensors.sorted {
    let left = StoredType.writingOrder($0.tensor.dtype)
    let right = StoredType.writingOrder($1.tensor.dtype)
    return left == right
      ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) : left > right
  }
  var header = JSONObject()
  var texts = JSONObject()
  texts["format"] = "pt"
  for (key, text) in metadata.sorted(by: { $0.key < $1.key }) { texts[key] = .string(text) }
  header["__metadata__"] = .object(texts)
  var end = 0
  for (name, tensor) in ordered {
    guard header[name] == nil else {
      throw .duplicateTensor(path: path, name: name, places: ["the tensors to be written"])
    }
    let begin = end
    end += tensor.byteCount
    header[name] = [
      "dtype": .string(StoredType(tensor.dtype).rawValue),
      "shape": .array(tensor.shape.map { .integer($0) }),
      "data_offsets": [.integer(begin), .integer(end)],
    ]
  }
  var text = Array(JSONValue.object(header).compactText.utf8)
  text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
  try reportingFiles { () throws(FormatError) in
    let file = try AtomicFile(path: path)
    try file.write(withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) })
    try file.write(Data(text))
    for (_, tensor) in ordered {
      try withExtendedLifetime(tensor) { () throws(FormatError) in
        try file.write(UnsafeRawBufferPointer(start: tensor.pointer, count: tensor.byteCount))
      }
    }
    try file.commit()
  }
}

extension StoredType {
  /// Later cases are wider and are written first.
  fileprivate static func writingOrder(_ type: DType) -> Int {
    allCases.firstIndex(of: StoredType(type)) ?? 0
  }
}
