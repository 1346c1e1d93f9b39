/// Named arrays of NumPy in a zip archive, as `numpy.savez` and `numpy.savez_compressed` write them.
///
/// Opening it reads the headers alone, those of deflated members too.
package struct NPZFile: Sendable {
  /// One array.
  package struct Member: Sendable {
    /// Path in the archive without `.npy`.
    package let name: String
    package let shape: [Int]
    package let elementType: NPYFile.ElementType
    /// Whether the first axis varies fastest.
    package let isFortranOrder: Bool
    fileprivate let entry: ZipFile.Entry
    fileprivate let dataOffset: Int
  }

  package var path: String { archive.path }
  /// In the order of the archive.
  package let members: [Member]
  private let archive: ZipFile

  private static let suffix = ".npy"
  /// Enough for any header: NumPy itself refuses to read more than 10,000 bytes.
  private static let longestStart = 10_240

  /// Whether every entry of the archive is an array.
  package static func fits(_ archive: ZipFile) -> Bool {
    !archive.entries.isEmpty && archive.entries.allSatisfy { $0.name.hasSuffix(suffix) }
  }

  /// The arrays of an archive whose entries all are some.
  ///
  /// - Throws: `FormatError` with the member that is no array of numbers.
  package init(_ archive: ZipFile) throws(FormatError) {
    self.archive = archive
    var members: [Member] = []
    for entry in archive.entries {
      let start = try archive.start(of: entry, count: Self.longestStart)
      let header = try start.withUnsafeBufferPointer { (bytes) throws(FormatError) in
        try NPYHeader(
          UnsafeRawBufferPointer(bytes), size: entry.size,
          path: "\(archive.path), member \(entry.name)")
      }
      members.append(
        Member(
          name: String(entry.name.dropLast(Self.suffix.count)), shape: header.shape,
          elementType: header.elementType, isFortranOrder: header.isFortranOrder, entry: entry,
          dataOffset: header.dataOffset))
    }
    self.members = members
  }

  /// Calls `body` with a member's elements as they are stored.
  ///
  /// - Throws: `FormatError.malformed` if the content is damaged.
  package func withData<Result>(
    of member: Member, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(FormatError) -> Result {
    try archive.withContent(of: member.entry) {
      body(UnsafeRawBufferPointer(rebasing: $0[member.dataOffset...]))
    }
  }
}
