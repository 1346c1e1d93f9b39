import Foundation
import Synchronization

internal import CZlib

/// A zip archive open for reading: stored and deflated entries, with ZIP64 sizes.
///
/// Sizes and positions are checked against the file before anything is allocated, and names that
/// would lead out of a folder are refused.
package final class ZipFile: Sendable {
  /// One file of the archive.
  package struct Entry: Sendable, Equatable {
    /// Path with forward slashes.
    package let name: String
    /// Length of the content.
    package let size: Int
    let compressedSize: Int
    let isDeflated: Bool
    let checksum: UInt32
    let dataRange: Range<Int>
  }

  package let path: String
  /// In the order of the directory; entries for folders are left out.
  package let entries: [Entry]
  private let file: MappedFile
  private let positions: [String: Int]
  private let verified = Mutex<Set<String>>([])

  /// Opens `path` and reads the directory.
  ///
  /// - Throws: `FormatError.fileMissing`, `.cannotRead`, `.malformed` or `.unsupported`.
  package init(path: String) throws(FormatError) {
    self.path = path
    file = try MappedFile(path: path)
    var directory = ZipDirectory(file: file)
    entries = try directory.entries()
    var positions: [String: Int] = [:]
    for (position, entry) in entries.enumerated() {
      guard positions.updateValue(position, forKey: entry.name) == nil else {
        throw .malformed(path: path, format: "zip", reason: "'\(entry.name)' occurs twice")
      }
    }
    self.positions = positions
  }

  /// The entry of that name.
  package subscript(name: String) -> Entry? { positions[name].map { entries[$0] } }

  /// Calls `body` with the content of an entry, after its checksum was compared once.
  ///
  /// - Throws: `FormatError.malformed` if the content is damaged.
  package func withContent<Result>(
    of entry: Entry, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(FormatError) -> Result {
    guard entry.isDeflated else {
      return try file.withBytes(in: entry.dataRange) { (bytes) throws(FormatError) in
        try verify(bytes, entry)
        return body(bytes)
      }
    }
    let content = try inflated(entry)
    return try content.withUnsafeBufferPointer { (content) throws(FormatError) in
      let bytes = UnsafeRawBufferPointer(content)
      try verify(bytes, entry)
      return body(bytes)
    }
  }

  /// Where a stored entry's content lies, after its checksum was compared once; nil for a deflated
  /// one.
  ///
  /// - Throws: `FormatError.malformed` if the content is damaged.
  package func mapped(
    _ entry: Entry
  ) throws(FormatError) -> (file: MappedFile, range: Range<Int>)? {
    guard !entry.isDeflated else { return nil }
    try file.withBytes(in: entry.dataRange) { (bytes) throws(FormatError) in
      try verify(bytes, entry)
    }
    return (file, entry.dataRange)
  }

  /// A copy of the content of an entry.
  package func content(of entry: Entry) throws(FormatError) -> [UInt8] {
    try withContent(of: entry) { Array($0) }
  }

  /// The first bytes of an entry, at most `count`; without comparing the checksum, which takes all.
  package func start(of entry: Entry, count: Int) throws(FormatError) -> [UInt8] {
    let count = min(count, entry.size)
    guard entry.isDeflated else {
      return file.data(in: entry.dataRange.prefix(count))
    }
    return try inflated(entry, count: count)
  }

  private func inflated(_ entry: Entry, count: Int? = nil) throws(FormatError) -> [UInt8] {
    var content = [UInt8](repeating: 0, count: count ?? entry.size)
    let isComplete = file.withBytes(in: entry.dataRange) { source in
      content.withUnsafeMutableBytes {
        Deflate.inflate(source, into: $0, isWhole: count == nil)
      }
    }
    guard isComplete else { throw damaged(entry, "it does not inflate to \(entry.size) bytes") }
    return content
  }

  private func verify(_ bytes: UnsafeRawBufferPointer, _ entry: Entry) throws(FormatError) {
    guard !verified.withLock({ $0.contains(entry.name) }) else { return }
    guard crc32Checksum(bytes) == entry.checksum else {
      throw damaged(entry, "its checksum differs")
    }
    verified.withLock { _ = $0.insert(entry.name) }
  }

  /// The stored bytes of an entry, as they lie in the archive.
  func mappedBytes(of entry: Entry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file.bytes)[entry.dataRange])
  }

  func damaged(_ entry: Entry, _ reason: String) -> FormatError {
    .malformed(path: path, format: "zip", reason: "entry '\(entry.name)' is damaged: \(reason)")
  }
}

/// The two functions of zlib that zip needs.
private enum Deflate {
  /// Decodes a raw stream that must fill `target`, and end there where `isWhole`.
  static func inflate(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, isWhole: Bool
  ) -> Bool {
    var stream = z_stream()
    let rawDeflate: Int32 = -15
    guard
      inflateInit2_(&stream, rawDeflate, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return false }
    defer { inflateEnd(&stream) }
    var source = source
    var target = target
    while isWhole || !target.isEmpty {
      let input = source.prefix(Int(UInt32.max))
      let output = target.prefix(Int(UInt32.max))
      stream.next_in = UnsafeMutablePointer(
        mutating: UnsafeRawBufferPointer(rebasing: input).assumingMemoryBound(to: UInt8.self)
          .baseAddress)
      stream.avail_in = UInt32(input.count)
      stream.next_out =
        UnsafeMutableRawBufferPointer(rebasing: output).assumingMemoryBound(to: UInt8.self)
        .baseAddress
      stream.avail_out = UInt32(output.count)
      let status = CZlib.inflate(&stream, Z_NO_FLUSH)
      let consumed = input.count - Int(stream.avail_in)
      let produced = output.count - Int(stream.avail_out)
      source = UnsafeRawBufferPointer(rebasing: source.dropFirst(consumed))
      target = UnsafeMutableRawBufferPointer(rebasing: target.dropFirst(produced))
      if status == Z_STREAM_END { return target.isEmpty }
      guard status == Z_OK, consumed + produced > 0 else { return false }
    }
    return true
  }
}
