/// Reads the central directory of a zip archive (APPNOTE 6.3, sections 4.3.7 to 4.5.3).
struct ZipDirectory {
  private let file: MappedFile
  private let bytes: LittleEndianBytes

  /// Deflate cannot compress better than 1032 : 1, so a larger claim is a lie.
  private static let largestRatio = 1040

  init(file: MappedFile) {
    self.file = file
    bytes = LittleEndianBytes(UnsafeRawBufferPointer(file.bytes))
  }

  mutating func entries() throws(FormatError) -> [ZipFile.Entry] {
    let (count, range) = try location()
    guard count <= range.count / 46 else {
      throw malformed("more entries than the directory holds")
    }
    var entries: [ZipFile.Entry] = []
    var position = range.lowerBound
    for _ in 0..<count {
      guard position <= range.upperBound - 46, bytes.u32(position) == 0x0201_4B50 else {
        throw malformed("the directory is cut off")
      }
      let lengths = [28, 30, 32].map { Int(bytes.u16(position + $0) ?? 0) }
      let next = position + 46 + lengths.reduce(0, +)
      guard next <= range.upperBound else { throw malformed("the directory is cut off") }
      if let entry = try entry(at: position, nameLength: lengths[0], extraLength: lengths[1]) {
        entries.append(entry)
      }
      position = next
    }
    return entries
  }

  /// Number of entries and place of the directory, from the record at the end of the file.
  private func location() throws(FormatError) -> (count: Int, range: Range<Int>) {
    guard let end = endRecord() else { throw malformed("it has no end record") }
    var count = Int(bytes.u16(end + 10) ?? 0)
    var size = Int(bytes.u32(end + 12) ?? 0)
    var offset = Int(bytes.u32(end + 16) ?? 0)
    if end >= 20, bytes.u32(end - 20) == 0x0706_4B50 {
      guard let record = bytes.int(end - 12), record <= end - 76 + 20,
        bytes.u32(record) == 0x0606_4B50, let wideCount = bytes.int(record + 32),
        let wideSize = bytes.int(record + 40), let wideOffset = bytes.int(record + 48)
      else { throw malformed("its ZIP64 end record is damaged") }
      (count, size, offset) = (wideCount, wideSize, wideOffset)
    }
    guard offset <= end, size <= end - offset else {
      throw malformed("the directory lies outside the file")
    }
    return (count, offset..<offset + size)
  }

  private func endRecord() -> Int? {
    let last = bytes.count - 22
    guard last >= 0 else { return nil }
    return stride(from: last, through: max(0, last - 0xFFFF), by: -1).first {
      bytes.u32($0) == 0x0605_4B50 && bytes.u16($0 + 20) == UInt16(exactly: last - $0)
    }
  }

  /// The entry described at `position`; nil for a folder.
  private func entry(
    at position: Int, nameLength: Int, extraLength: Int
  ) throws(FormatError) -> ZipFile.Entry? {
    let nameRange = position + 46..<position + 46 + nameLength
    guard let name = String(validating: file.bytes[nameRange], as: UTF8.self) else {
      throw malformed("a name is not valid UTF-8")
    }
    guard Self.staysInside(name) else { throw malformed("the name '\(name)' leads outside") }
    if name.hasSuffix("/") { return nil }
    guard let flags = bytes.u16(position + 8), flags & 1 == 0 else {
      throw unsupported("the encrypted entry '\(name)'")
    }
    let method = bytes.u16(position + 10) ?? 0
    guard method == 0 || method == 8 else {
      throw unsupported("compression method \(method) of entry '\(name)'")
    }
    var wide = WideFields(
      bytes: bytes, range: nameRange.upperBound..<nameRange.upperBound + extraLength)
    guard let size = wide.value(bytes.u32(position + 24)),
      let compressedSize = wide.value(bytes.u32(position + 20)),
      let offset = wide.value(bytes.u32(position + 42))
    else { throw malformed("entry '\(name)' lacks its ZIP64 sizes") }
    guard offset <= bytes.count - 30, bytes.u32(offset) == 0x0403_4B50,
      let localName = bytes.u16(offset + 26), let localExtra = bytes.u16(offset + 28)
    else { throw malformed("entry '\(name)' points nowhere") }
    let start = offset + 30 + Int(localName) + Int(localExtra)
    guard start <= bytes.count, compressedSize <= bytes.count - start else {
      throw malformed("entry '\(name)' passes the end of the file")
    }
    let isPlausible =
      method == 0 ? size == compressedSize : size / Self.largestRatio <= compressedSize
    guard isPlausible else { throw malformed("entry '\(name)' claims \(size) bytes") }
    return ZipFile.Entry(
      name: name, size: size, compressedSize: compressedSize, isDeflated: method == 8,
      checksum: bytes.u32(position + 16) ?? 0, dataRange: start..<start + compressedSize)
  }

  /// Whether a path is relative and has no step upwards.
  private static func staysInside(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix("/") && !name.contains("\\") && !name.contains("\0")
      && !name.split(separator: "/").contains("..")
  }

  private func malformed(_ reason: String) -> FormatError {
    .malformed(path: file.path, format: "zip", reason: reason)
  }

  private func unsupported(_ what: String) -> FormatError {
    .unsupported(
      path: file.path, what: what, remedy: "Pack it again, stored or deflated, without password.")
  }
}

/// The 64-bit values of extra field 1, which follow one another for the sizes that need them.
private struct WideFields {
  private let bytes: LittleEndianBytes
  private var position: Int
  private let end: Int

  init(bytes: LittleEndianBytes, range: Range<Int>) {
    self.bytes = bytes
    var start = range.lowerBound
    while start + 4 <= range.upperBound, let kind = bytes.u16(start),
      let length = bytes.u16(start + 2)
    {
      let next = start + 4 + Int(length)
      if kind == 1, next <= range.upperBound {
        position = start + 4
        end = next
        return
      }
      start = next
    }
    position = 0
    end = 0
  }

  /// The narrow value, or the next wide one where it is all ones.
  mutating func value(_ narrow: UInt32?) -> Int? {
    guard let narrow else { return nil }
    guard narrow == .max else { return Int(narrow) }
    guard position + 8 <= end else { return nil }
    defer { position += 8 }
    return bytes.int(position)
  }
}
