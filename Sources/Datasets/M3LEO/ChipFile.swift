package import Formats

/// Where the bytes of one chip lie: in a file of their own, or in a container that hands them out.
package struct ChipFile: Sendable {
  /// The file's path, or what messages call it.
  package let path: String
  private let content: (@Sendable () throws -> [UInt8])?

  /// A file on the disk.
  package init(path: String) {
    self.path = path
    content = nil
  }

  /// A member of a container, whose bytes `content` reads whenever they are needed.
  ///
  /// The path ends as the file's name does.
  package init(path: String, content: @escaping @Sendable () throws -> [UInt8]) {
    self.path = path
    self.content = content
  }

  /// Whether it has a file of its own, which stays where it is.
  var isOnDisk: Bool { content == nil }

  /// - Throws: `FormatError`.
  package func raster() throws -> RasterFile {
    guard let content else { return try RasterFile(path: path) }
    return try RasterFile(image: content(), path: path)
  }

  /// - Throws: `FormatError`.
  package func hdf5() throws -> HDF5File {
    guard let content else { return try HDF5File(reading: path) }
    return try HDF5File(image: content(), path: path)
  }
}
