import Formats

/// The header of a safetensors file after every check of the format.
struct SafetensorsHeader {
  /// In the order of the header.
  let names: [String]
  let entries: [String: Entry]
  let metadata: [String: String]

  struct Entry {
    let tensor: TensorEntry
    /// Bytes from the start of the file.
    let range: Range<Int>
  }

  /// The reference reader's limit.
  private static let longestHeader: UInt64 = 100_000_000
  private static let metadataKey = "__metadata__"

  init(_ bytes: UnsafeRawBufferPointer, path: String) throws(CheckpointError) {
    let reader = EntryReader(path: path)
    guard bytes.count >= 8 else {
      throw reader.malformed("the file has \(bytes.count) bytes, the header length takes 8")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= Self.longestHeader else {
      throw reader.malformed("header too large: \(length) bytes, at most \(Self.longestHeader)")
    }
    let dataStart = 8 + Int(length)
    guard length > 0, dataStart <= bytes.count else {
      throw reader.malformed(
        "invalid header length: \(length) bytes in a file of \(bytes.count)")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
    let header = try reportingFiles { () throws(FormatError) in
      try JSONValue(parsing: text, path: path, format: "safetensors")
    }
    guard let header = header.object else { throw reader.malformed("the header is not an object") }

    var names: [String] = []
    var entries: [String: Entry] = [:]
    var metadata: [String: String] = [:]
    for (name, value) in header.entries {
      if name == Self.metadataKey {
        metadata = try reader.metadata(value)
      } else {
        names.append(name)
        entries[name] = try reader.entry(value, name: name, dataStart: dataStart)
      }
    }
    try Self.requireSeamless(entries, from: dataStart, to: bytes.count, reader)
    self.names = names
    self.entries = entries
    self.metadata = metadata
  }

  /// Tensors must follow one another without holes or overlaps and fill the data.
  private static func requireSeamless(
    _ entries: [String: Entry], from start: Int, to end: Int, _ reader: EntryReader
  ) throws(CheckpointError) {
    var position = start
    let ordered = entries.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound)
        < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }
    for (name, entry) in ordered {
      guard entry.range.lowerBound == position else {
        throw reader.malformed(
          "tensor '\(name)' begins at \(entry.range.lowerBound - start), "
            + "the one before ends at \(position - start)")
      }
      position = entry.range.upperBound
      guard position <= end else {
        throw reader.malformed(
          "tensor '\(name)' ends at \(position - start), the data has \(end - start) bytes")
      }
    }
    guard position == end else {
      throw reader.malformed(
        "the tensors take \(position - start) bytes, the data has \(end - start)")
    }
  }
}

/// Reads the values of the header.
private struct EntryReader {
  let path: String

  func metadata(_ value: JSONValue) throws(CheckpointError) -> [String: String] {
    guard let object = value.object else { throw malformed("__metadata__ is not an object") }
    var metadata: [String: String] = [:]
    for (key, value) in object.entries {
      guard let text = value.string else { throw malformed("__metadata__.\(key) is not a text") }
      metadata[key] = text
    }
    return metadata
  }

  func entry(
    _ value: JSONValue, name: String, dataStart: Int
  ) throws(CheckpointError) -> SafetensorsHeader.Entry {
    guard let object = value.object, let typeName = object["dtype"]?.string,
      let shape = sizes(object["shape"]), let offsets = sizes(object["data_offsets"]),
      offsets.count == 2
    else { throw malformed("tensor '\(name)' lacks a valid dtype, shape or data_offsets") }
    guard let type = StoredType(rawValue: typeName) else {
      throw malformed("tensor '\(name)' has unknown dtype \(typeName)")
    }
    var bitCount = type.bitCount
    for size in shape {
      let (product, overflow) = bitCount.multipliedReportingOverflow(by: size)
      guard !overflow else { throw malformed("tensor '\(name)' has impossible shape \(shape)") }
      bitCount = product
    }
    let (begin, end) = (offsets[0], offsets[1])
    let (fileEnd, overflow) = end.addingReportingOverflow(dataStart)
    guard begin <= end, !overflow, bitCount % 8 == 0, bitCount / 8 == end - begin else {
      throw malformed(
        "tensor '\(name)' of \(typeName) \(shape) takes \(bitCount) bits, "
          + "its offsets are [\(begin), \(end)]")
    }
    return SafetensorsHeader.Entry(
      tensor: TensorEntry(shape: shape, type: type), range: dataStart + begin..<fileEnd)
  }

  private func sizes(_ value: JSONValue?) -> [Int]? {
    guard let array = value?.array else { return nil }
    let sizes = array.compactMap(\.integer)
    return sizes.count == array.count && sizes.allSatisfy { $0 >= 0 } ? sizes : nil
  }

  func malformed(_ reason: String) -> CheckpointError { .malformed(path, "safetensors", reason) }
}
