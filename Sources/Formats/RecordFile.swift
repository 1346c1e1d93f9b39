import Foundation
import Synchronization

/// A file of equal records that is filled group by group, in any order, and read as mapped memory.
///
/// Layout, little endian: 16 bytes `attune records 1`, the length of the description and the
/// description, zeros to a multiple of 4096 bytes; one mark of 8 bytes per group, zeros to a multiple
/// of 4096; the records. A group's mark holds the CRC-32 of its records and is written after them, so
/// that a group that a crash, a full disk or a defect left incomplete is found when it is first read,
/// and counts as missing. Several processes may fill one file if equal groups have equal bytes.
package final class RecordFile: Sendable {
  /// What was found under the name.
  package enum Origin: Sendable, Equatable {
    case made
    /// Its content is used; groups are checked as they are read.
    case found(completeGroups: Int)
    /// It was of another form and has been made again.
    case replaced(reason: String)
  }

  package let path: String
  package let layout: RecordLayout
  package let origin: Origin
  private let mapped: MappedFile
  private let handle: FileHandle
  /// Groups whose records were checked, or written by this process.
  private let checked: Mutex<Set<Int>>

  /// Opens the file, or makes it with all its space; the folder must exist.
  ///
  /// A file of another layout, another description or another length is replaced.
  package init(path: String, layout: RecordLayout) throws(FormatError) {
    self.path = path
    self.layout = layout
    checked = Mutex([])
    let problem = FileManager.default.fileExists(atPath: path) ? layout.problem(of: path) : ""
    if problem != nil { try Self.make(path, layout) }
    mapped = try MappedFile(path: path, following: true)
    guard let handle = FileHandle(forUpdatingAtPath: path) else {
      throw .cannotRead(path: path, reason: systemReason())
    }
    self.handle = handle
    let bytes = UnsafeRawBufferPointer(mapped.bytes)
    switch problem {
    case nil:
      origin = .found(
        completeGroups: (0..<layout.groupCount).count { layout.mark($0, in: bytes) != 0 })
    case "": origin = .made
    case .some(let reason): origin = .replaced(reason: reason)
    }
  }

  /// Writes a file without records under a temporary name, with all its space, and publishes it.
  private static func make(_ path: String, _ layout: RecordLayout) throws(FormatError) {
    let temporary = try Temporary.path(for: path)
    let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .cannotCreate(path: path, reason: systemReason()) }
    defer { close(descriptor) }
    // Space that is promised now cannot be lacking later.
    let failure = posix_fallocate(descriptor, 0, layout.byteCount)
    let head = layout.head
    let isWritten = failure == 0 && pwrite(descriptor, Array(head), head.count, 0) == head.count
    guard isWritten, fsync(descriptor) == 0 else {
      let reason = failure == 0 ? systemReason() : String(cString: strerror(failure))
      unlink(temporary)
      throw .cannotCreate(path: path, reason: reason)
    }
    try Temporary.publish(temporary, as: path)
  }

  /// The records of a group, valid while this object lives; nil where they are missing or damaged.
  package func records(ofGroup group: Int) -> UnsafeRawBufferPointer? {
    let all = UnsafeRawBufferPointer(mapped.bytes)
    let bytes = UnsafeRawBufferPointer(rebasing: all[layout.range(ofGroup: group)])
    if checked.withLock({ $0.contains(group) }) { return bytes }
    guard layout.mark(group, in: all) == RecordLayout.mark(of: bytes) else { return nil }
    checked.withLock { _ = $0.insert(group) }
    return bytes
  }

  /// Writes the records of a group, then its mark.
  package func write(_ bytes: UnsafeRawBufferPointer, ofGroup group: Int) throws(FormatError) {
    let range = layout.range(ofGroup: group)
    precondition(bytes.count == range.count, "\(bytes.count) bytes for a group of \(range.count)")
    try put(bytes, at: range.lowerBound)
    let mark = RecordLayout.mark(of: bytes).littleEndian
    try withUnsafeBytes(of: mark) { mark in
      Result { () throws(FormatError) in try put(mark, at: layout.markOffset(of: group)) }
    }.get()
    checked.withLock { _ = $0.insert(group) }
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FormatError) {
    var (rest, offset) = (bytes, offset)
    while let base = rest.baseAddress, !rest.isEmpty {
      let written = pwrite(handle.fileDescriptor, base, rest.count, offset)
      if written < 0 {
        guard errno == EINTR else { throw .writeFailed(path: path, reason: systemReason()) }
      } else {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        offset += written
      }
    }
  }
}
