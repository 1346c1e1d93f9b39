extension MATFile {
  /// Order of the axes of values in memory, row-major.
  package enum AxisOrder: Sendable {
    /// As MATLAB names them: `[row, column, band]`.
    case stored
    /// The last of three or more axes first: `[band, row, column]`; two axes stay as they are.
    case lastFirst
  }

  /// Values of a variable in some order of its axes.
  package struct Values<Element: Sendable>: Sendable {
    /// Sizes of the axes in that order.
    package let shape: [Int]
    /// Row-major.
    package let elements: [Element]
  }

  /// Values of a numeric variable, rounded to single precision.
  ///
  /// - Throws: `FormatError.objectMissing`; `.wrongElementType` for text, cells, structures, sparse and
  ///   complex arrays; `.malformed`.
  package func floats(
    _ name: String, order: AxisOrder = .stored
  ) throws(FormatError) -> Values<Float> { try values(name, order) }

  /// Values of a numeric variable that are all integers, whatever their type is.
  ///
  /// - Throws: as `floats(_:order:)`, and `.wrongElementType` where a value is not an integer.
  package func integers(
    _ name: String, order: AxisOrder = .stored
  ) throws(FormatError) -> Values<Int> { try values(name, order) }

  private func values<Target: MATTarget>(
    _ name: String, _ order: AxisOrder
  ) throws(FormatError) -> Values<Target> {
    guard let variable = self[name] else {
      throw .objectMissing(
        path: path, object: name, kind: "variable", available: variables.map(\.name))
    }
    guard variable.kind.isNumeric, !variable.isComplex else {
      throw .wrongElementType(
        path: path, object: name, expected: Target.description,
        found: variable.isComplex ? "complex numbers" : "\(variable.kind)")
    }
    let damage = FormatError.malformed(
      path: path, format: "MATLAB", reason: "the values of '\(name)' are damaged or cut off")
    guard
      case .variable(_, var input) = Self.describe(
        variable.element, Self.input(variable.element, file, isBigEndian)),
      let count = Self.elementCount(variable.shape), let tag = input.tag()
    else { throw damage }
    let axes = MATAxes(variable.shape, order)
    let elements: [Target]? =
      switch tag.type {
      case 1: decode(Int8.self, tag, &input, count, axes)
      case 2: decode(UInt8.self, tag, &input, count, axes)
      case 3: decode(Int16.self, tag, &input, count, axes)
      case 4: decode(UInt16.self, tag, &input, count, axes)
      case 5: decode(Int32.self, tag, &input, count, axes)
      case 6: decode(UInt32.self, tag, &input, count, axes)
      case 7: decode(Float.self, tag, &input, count, axes)
      case 9: decode(Double.self, tag, &input, count, axes)
      case 12: decode(Int64.self, tag, &input, count, axes)
      case 13: decode(UInt64.self, tag, &input, count, axes)
      default: nil
      }
    guard let elements else { throw damage }
    guard elements.count == count else {
      throw .wrongElementType(
        path: path, object: name, expected: Target.description, found: "other numbers")
    }
    return Values(shape: axes.shape, elements: elements)
  }

  /// Bytes of values that are decoded at a time, a multiple of every element's.
  private static let pieceByteCount = 1 << 20

  /// All values in the order of `axes`; fewer where one does not convert, nil where they are damaged.
  private func decode<Stored: MATNumber, Target: MATTarget>(
    _ type: Stored.Type, _ tag: MATInput.Tag, _ input: inout MATInput, _ count: Int, _ axes: MATAxes
  ) -> [Target]? {
    let size = MemoryLayout<Stored>.size
    guard tag.count == count * size, tag.short != nil || tag.count <= input.remaining else {
      return nil
    }
    let isSwapped = isBigEndian != (1.bigEndian == 1)
    var piece = tag.short ?? [UInt8](repeating: 0, count: min(tag.count, Self.pieceByteCount))
    var elements = [Target](repeating: Target.zero, count: count)
    var walk = axes
    var done = 0
    while done < count {
      let taken = min(count - done, piece.count / size)
      guard
        tag.short != nil
          || piece.withUnsafeMutableBytes({
            input.read(into: UnsafeMutableRawBufferPointer(rebasing: $0.prefix(taken * size)))
          })
      else { return nil }
      let areConverted = piece.withUnsafeBytes { bytes in
        elements.withUnsafeMutableBufferPointer { elements in
          for index in 0..<taken {
            let stored = bytes.loadUnaligned(fromByteOffset: index * size, as: Stored.self)
            guard let value = Target(isSwapped ? stored.byteSwapped : stored) else { return false }
            elements[walk.next()] = value
          }
          return true
        }
      }
      guard areConverted else { return [] }
      done += taken
    }
    return elements
  }
}

/// What stored numbers become.
private protocol MATTarget: Sendable {
  static var zero: Self { get }
  static var description: String { get }
  init?(_ number: some MATNumber)
}

extension Float: MATTarget {
  fileprivate static var description: String { "real numbers" }
  fileprivate init?(_ number: some MATNumber) { self = number.float }
}

extension Int: MATTarget {
  fileprivate static var description: String { "integers" }
  fileprivate init?(_ number: some MATNumber) {
    guard let integer = number.integer else { return nil }
    self = integer
  }
}

/// Places of column-major elements in a row-major array.
private struct MATAxes {
  /// Sizes of the axes of the row-major array.
  let shape: [Int]
  /// By column-major axis: its size, and the distance of its neighbors in the row-major array.
  private let sizes: [Int]
  private let strides: [Int]
  private var position: [Int]
  private var place = 0

  init(_ stored: [Int], _ order: MATFile.AxisOrder) {
    var axes = Array(stored.indices)
    if order == .lastFirst, axes.count > 2 { axes = [axes.count - 1] + axes.dropLast() }
    shape = axes.map { stored[$0] }
    sizes = stored
    var strides = [Int](repeating: 1, count: stored.count)
    var step = 1
    for axis in axes.reversed() {
      strides[axis] = step
      step *= stored[axis]
    }
    self.strides = strides
    position = stored.map { _ in 0 }
  }

  /// Place of the next element.
  mutating func next() -> Int {
    let current = place
    for axis in sizes.indices {
      position[axis] += 1
      place += strides[axis]
      if position[axis] < sizes[axis] { break }
      place -= sizes[axis] * strides[axis]
      position[axis] = 0
    }
    return current
  }
}
