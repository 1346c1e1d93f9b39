/// Which of MATLAB's file formats a file is in, told from its first bytes and not its name.
package enum MATVersion: Sendable, Equatable {
  /// Level 4, without a header.
  case v4
  /// Level 5, written by MATLAB's `-v6` and `-v7`.
  case v5(isBigEndian: Bool)
  /// An HDF5 file behind a header like that of level 5.
  case v73

  static let headerByteCount = 128

  /// Version of a file; nil for one of another kind.
  ///
  /// - Throws: `FormatError.fileMissing` or `.cannotRead`.
  package static func ofFile(_ path: String) throws(FormatError) -> MATVersion? {
    MATVersion(try MappedFile(path: path))
  }

  init?(_ file: MappedFile) {
    let start = Array(file.bytes.prefix(Self.headerByteCount))
    if start.count == Self.headerByteCount, let version = Self.headed(start) {
      self = version
    } else if Self.isLevel4(start) {
      self = .v4
    } else {
      return nil
    }
  }

  /// After 116 bytes of text and 8 of no interest: a version and `MI` as the writer's 16-bit numbers.
  private static func headed(_ start: [UInt8]) -> MATVersion? {
    let isBigEndian: Bool
    switch (start[126], start[127]) {
    case (UInt8(ascii: "I"), UInt8(ascii: "M")): isBigEndian = false
    case (UInt8(ascii: "M"), UInt8(ascii: "I")): isBigEndian = true
    default: return nil
    }
    let major = isBigEndian ? start[124] : start[125]
    return major == 1 ? .v5(isBigEndian: isBigEndian) : major == 2 ? .v73 : nil
  }

  /// Whether a matrix of level 4 begins here.
  ///
  /// Type, rows, columns, whether complex, and length of the name stand first, as 32-bit numbers;
  /// decimal digits of the type are machine, 0, element (0 to 5) and matrix (0 to 2).
  private static func isLevel4(_ start: [UInt8]) -> Bool {
    guard start.count >= 20 else { return false }
    return start.withUnsafeBytes { bytes in
      [false, true].contains { isBigEndian in
        let words = (0..<5).map { index in
          let word = bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)
          return isBigEndian ? Int32(bigEndian: word) : Int32(littleEndian: word)
        }
        let type = words[0]
        return (0..<5000).contains(type) && type / 100 % 10 == 0 && type / 10 % 10 <= 5
          && type % 10 <= 2 && words[1] >= 0 && words[2] >= 0 && (0...1).contains(words[3])
          && (2...64).contains(words[4])
      }
    }
  }
}
