internal import CGDAL
import Foundation
import Synchronization

/// A copy of bytes that GDAL reads as a file, under a name of its own in its file system in memory;
/// freed when dropped.
final class MemoryFile: Sendable {
  /// Name in GDAL's file system.
  let location: String
  private static let counter = Atomic(0)

  /// Copies the whole file; messages call it `path`.
  ///
  /// - Throws: `FormatError.malformed` for no bytes, `.cannotRead` where there is no memory for them,
  ///   `.unsupported` where GDAL is missing.
  init(_ bytes: [UInt8], path: String) throws(FormatError) {
    guard !bytes.isEmpty else {
      throw .malformed(path: path, format: "raster", reason: "it is empty")
    }
    let number = Self.counter.add(1, ordering: .relaxed).newValue
    try GDAL.load(for: path)
    // GDAL's messages name the file, so its own name stays.
    location = "/vsimem/attune-\(number)-\(Temporary.split(path).name)"
    guard let copy = VSIMalloc(bytes.count) else {
      throw .cannotRead(path: path, reason: "no memory for \(bytes.count) bytes")
    }
    bytes.withUnsafeBytes {
      copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count)
    }
    let file = VSIFileFromMemBuffer(
      location, copy.assumingMemoryBound(to: GByte.self), vsi_l_offset(bytes.count), 1)
    guard let file else {
      VSIFree(copy)
      throw .cannotRead(path: path, reason: GDAL.lastMessage)
    }
    VSIFCloseL(file)
  }

  deinit { VSIUnlink(location) }

  /// How many there are now.
  static var count: Int {
    guard GDAL.failure == nil, let list = VSIReadDir("/vsimem/") else { return 0 }
    defer { CSLDestroy(list) }
    return Int(CSLCount(list))
  }
}

extension RasterFile {
  /// Number of rasters that are held in memory now.
  package static var memoryFileCount: Int { MemoryFile.count }
}
