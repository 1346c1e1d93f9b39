/// Variables of a MATLAB file of level 5 (`.mat` of MATLAB's `-v6` and `-v7`), listed when opened and
/// read one by one.
///
/// Hyperspectral scenes are arrays of rows, columns and bands in column-major order; here they
/// come row-major. Compressed variables are inflated piece by piece. Variables of kinds that are not
/// read here are listed and otherwise left alone; those without a name are not listed.
package struct MATFile: Sendable {
  /// A named array.
  package struct Variable: Sendable, Equatable {
    package let name: String
    /// Sizes of the axes in MATLAB's order, rows first.
    package let shape: [Int]
    package let kind: MATClass
    package let isLogical: Bool
    package let isComplex: Bool
    let element: Element
  }

  /// Where a matrix lies in the file.
  struct Element: Sendable, Equatable {
    /// Without its tag.
    let range: Range<Int>
    let isCompressed: Bool
  }

  package let path: String
  /// In the file's order.
  package let variables: [Variable]
  let file: MappedFile
  let isBigEndian: Bool

  /// Opens the file and lists its variables.
  ///
  /// - Throws: `FormatError.fileMissing` or `.cannotRead`; `.unsupported` for levels 4 and 7.3;
  ///   `.malformed` for other files, and where elements do not fit the file.
  package init(path: String) throws(FormatError) {
    self.path = path
    file = try MappedFile(path: path)
    switch MATVersion(file) {
    case .v5(let isBigEndian): self.isBigEndian = isBigEndian
    case .v4:
      throw .unsupported(
        path: path, what: "MATLAB's format of level 4",
        remedy: "Save it again with -v7, or in Python with scipy.io.savemat.")
    case .v73:
      throw .unsupported(
        path: path, what: "a MATLAB file of version 7.3 in place of level 5",
        remedy: "It is an HDF5 file: read it as such, or save it again with -v7.")
    case nil:
      throw .malformed(path: path, format: "MATLAB", reason: "it has no header of level 5")
    }
    let elements = try Self.elements(of: file, isBigEndian: isBigEndian)
    var variables: [Variable] = []
    for element in elements {
      let input = Self.input(element, file, isBigEndian)
      switch Self.describe(element, input) {
      case .variable(let variable, _): variables.append(variable)
      case .unknown: continue
      case .damaged:
        throw .malformed(
          path: path, format: "MATLAB",
          reason: "the array at byte \(element.range.lowerBound) is damaged or cut off")
      }
    }
    for (index, variable) in variables.enumerated() {
      let isFirst = !variables[..<index].contains { $0.name == variable.name }
      guard isFirst else {
        throw .malformed(path: path, format: "MATLAB", reason: "'\(variable.name)' occurs twice")
      }
    }
    self.variables = variables
  }

  /// The variable of that name.
  package subscript(name: String) -> Variable? { variables.first { $0.name == name } }
}

extension MATFile {
  static func input(_ element: Element, _ file: MappedFile, _ isBigEndian: Bool) -> MATInput {
    MATInput(
      UnsafeRawBufferPointer(rebasing: file.bytes[element.range]),
      isCompressed: element.isCompressed, isBigEndian: isBigEndian)
  }

  /// The matrices at the top of a file; elements of other types are passed over.
  private static func elements(
    of file: MappedFile, isBigEndian: Bool
  ) throws(FormatError) -> [Element] {
    func word(_ position: Int) -> UInt32 {
      let value = file.bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
      return isBigEndian ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
    }
    var elements: [Element] = []
    var position = MATVersion.headerByteCount
    while position < file.bytes.count {
      guard position + 8 <= file.bytes.count,
        Int(word(position + 4)) <= file.bytes.count - position - 8
      else {
        throw .malformed(
          path: file.path, format: "MATLAB",
          reason: "the element at byte \(position) goes beyond the end of the file")
      }
      let type = word(position)
      let range = (position + 8)..<(position + 8 + Int(word(position + 4)))
      let isCompressed = type == MATType.compressed
      if isCompressed || type == MATType.matrix {
        elements.append(Element(range: range, isCompressed: isCompressed))
      }
      // Compressed elements are not padded; the last of a file need not be either.
      let padded = isCompressed ? range.count : (range.count + 7) / 8 * 8
      position = min(range.lowerBound + padded, file.bytes.count)
    }
    return elements
  }

  /// What stands before the values of a matrix.
  enum Description {
    /// The input stands before the values.
    case variable(Variable, MATInput)
    /// Legal, but of no use here.
    case unknown
    case damaged
  }

  private static let complexFlag: UInt32 = 0x0800
  private static let logicalFlag: UInt32 = 0x0200
  private static let largestRank = 32
  private static let longestName = 4096

  static func describe(_ element: Element, _ start: MATInput) -> Description {
    var input = start
    guard input.open(), let flags = input.piece(limit: 64), flags.type == MATType.uint32,
      flags.bytes.count == 8
    else { return .damaged }
    let word = input.word(flags.bytes, 0)
    // Function handles, tables and other objects follow another order.
    guard let kind = MATClass(rawValue: UInt8(word & 0xFF)) else { return .unknown }
    guard let axes = input.piece(limit: 4 * largestRank),
      axes.type == MATType.int32 || axes.type == MATType.uint32, axes.bytes.count % 4 == 0,
      axes.bytes.count >= 8
    else { return .damaged }
    let shape = stride(from: 0, to: axes.bytes.count, by: 4).map {
      Int(Int32(bitPattern: input.word(axes.bytes, $0)))
    }
    guard shape.allSatisfy({ $0 >= 0 }), elementCount(shape) != nil,
      let name = input.piece(limit: longestName),
      [MATType.int8, MATType.uint8, MATType.utf8].contains(name.type)
    else { return .damaged }
    guard !name.bytes.isEmpty else { return .unknown }
    let variable = Variable(
      name: String(decoding: name.bytes, as: UTF8.self), shape: shape, kind: kind,
      isLogical: word & logicalFlag != 0, isComplex: word & complexFlag != 0, element: element)
    return .variable(variable, input)
  }

  /// Product of the axes, nil where it exceeds what memory can hold.
  static func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= Int.max / 16 else { return nil }
      count = product
    }
    return count
  }
}
