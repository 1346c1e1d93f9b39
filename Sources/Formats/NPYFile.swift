package import Foundation

/// An array of NumPy's format, versions 1 to 3; parts of it are read on demand.
package struct NPYFile: Sendable {
  /// Stored element types, by NumPy's letters without the byte order.
  package enum ElementType: String, Sendable {
    case f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1

    package var byteCount: Int { Int(rawValue.dropFirst()) ?? 0 }
  }

  package let path: String
  package let shape: [Int]
  package let elementType: ElementType
  /// Whether the first axis varies fastest.
  package let isFortranOrder: Bool
  private let content: Content
  private let dataOffset: Int

  private enum Content: Sendable {
    case mapped(MappedFile)
    case copied([UInt8])
  }

  /// Opens `path`.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws(FormatError) {
    let file = try MappedFile(path: path)
    let header = try file.withBytes(in: 0..<file.bytes.count) { (bytes) throws(FormatError) in
      try NPYHeader(bytes, path: path)
    }
    self.init(path: path, header: header, content: .mapped(file))
  }

  /// An array inside an archive, as `.npz` holds them.
  package init(bytes: [UInt8], path: String) throws(FormatError) {
    let header = try bytes.withUnsafeBufferPointer { (bytes) throws(FormatError) in
      try NPYHeader(UnsafeRawBufferPointer(bytes), path: path)
    }
    self.init(path: path, header: header, content: .copied(bytes))
  }

  private init(path: String, header: NPYHeader, content: Content) {
    self.path = path
    shape = header.shape
    elementType = header.elementType
    isFortranOrder = header.isFortranOrder
    dataOffset = header.dataOffset
    self.content = content
  }

  /// Elements of the block at `start` of size `count`, in row-major order.
  ///
  /// - Throws: `FormatError.outOfBounds`.
  package func readFloats(start: [Int], count: [Int]) throws(FormatError) -> [Float] {
    try read(block(start: start, count: count))
  }

  /// All elements in row-major order.
  package func readFloats() -> [Float] { read(whole) }

  /// All elements in row-major order.
  package func readDoubles() -> [Double] { read(whole) }

  /// All elements of an integer array in row-major order.
  ///
  /// - Throws: `FormatError.wrongElementType` for floating-point arrays and numbers beyond 63 bits.
  package func readIntegers() throws(FormatError) -> [Int] {
    switch elementType {
    case .i1: return gather(whole, as: Int8.self) { Int($0) }
    case .i2: return gather(whole, as: Int16.self) { Int($0) }
    case .i4: return gather(whole, as: Int32.self) { Int($0) }
    case .i8: return gather(whole, as: Int64.self) { Int($0) }
    case .u1, .b1: return gather(whole, as: UInt8.self) { Int($0) }
    case .u2: return gather(whole, as: UInt16.self) { Int($0) }
    case .u4: return gather(whole, as: UInt32.self) { Int($0) }
    case .u8:
      let values = gather(whole, as: UInt64.self) { Int(bitPattern: UInt($0)) }
      if values.allSatisfy({ $0 >= 0 }) { return values }
    case .f2, .f4, .f8: break
    }
    throw .wrongElementType(
      path: path, object: "array", expected: "integers of at most 63 bits",
      found: elementType.rawValue)
  }

  /// Bytes of the array of `values`, in row-major order, version 1 of the format.
  package static func encode(_ values: [Float], shape: [Int]) -> Data {
    encode(values, type: .f4, shape: shape)
  }

  /// Bytes of the array of `values`, in row-major order, version 1 of the format.
  package static func encode(_ values: [Double], shape: [Int]) -> Data {
    encode(values, type: .f8, shape: shape)
  }

  /// Bytes of the array of `values`, in row-major order, version 1 of the format.
  package static func encode(_ values: [Int64], shape: [Int]) -> Data {
    encode(values, type: .i8, shape: shape)
  }

  private static func encode<Element: BitwiseCopyable>(
    _ values: [Element], type: ElementType, shape: [Int]
  ) -> Data {
    precondition(
      values.count == shape.reduce(1, *), "\(values.count) values for an array of shape \(shape)")
    var data = NPYHeader.encode(type: type, shape: shape)
    values.withUnsafeBytes { data.append(contentsOf: $0) }
    return data
  }
}

extension NPYFile {
  private var whole: Block { Block(start: shape.map { _ in 0 }, count: shape) }

  private func block(start: [Int], count: [Int]) throws(FormatError) -> Block {
    let isInside =
      start.count == shape.count && count.count == shape.count
      && shape.indices.allSatisfy {
        start[$0] >= 0 && count[$0] >= 0 && start[$0] <= shape[$0]
          && count[$0] <= shape[$0] - start[$0]
      }
    guard isInside else {
      throw .outOfBounds(path: path, object: "array", start: start, count: count, shape: shape)
    }
    return Block(start: start, count: count)
  }

  private func read<Element: BinaryFloatingPoint>(_ block: Block) -> [Element] {
    switch elementType {
    case .f2: gather(block, as: Float16.self) { Element($0) }
    case .f4: gather(block, as: Float.self) { Element($0) }
    case .f8: gather(block, as: Double.self) { Element($0) }
    case .i1: gather(block, as: Int8.self) { Element($0) }
    case .i2: gather(block, as: Int16.self) { Element($0) }
    case .i4: gather(block, as: Int32.self) { Element($0) }
    case .i8: gather(block, as: Int64.self) { Element($0) }
    case .u1, .b1: gather(block, as: UInt8.self) { Element($0) }
    case .u2: gather(block, as: UInt16.self) { Element($0) }
    case .u4: gather(block, as: UInt32.self) { Element($0) }
    case .u8: gather(block, as: UInt64.self) { Element($0) }
    }
  }

  /// Converted elements in row-major order, one row of the last axis after the other.
  private func gather<Stored: BitwiseCopyable, Element: Numeric>(
    _ block: Block, as type: Stored.Type, _ convert: (Stored) -> Element
  ) -> [Element] {
    let total = block.count.reduce(1, *)
    guard total > 0 else { return [] }
    var result = [Element](repeating: 0, count: total)
    let strides = strides.map { $0 * elementType.byteCount }
    let rowLength = block.count.last ?? 1
    let rowStride = strides.last ?? 0
    var index = block.start.dropLast()
    withBytes { bytes in
      for row in stride(from: 0, to: total, by: rowLength) {
        var offset = dataOffset + (block.start.last ?? 0) * rowStride
        for axis in index.indices { offset += index[axis] * strides[axis] }
        for column in 0..<rowLength {
          result[row + column] = convert(
            bytes.loadUnaligned(fromByteOffset: offset + column * rowStride, as: type))
        }
        for axis in index.indices.reversed() {
          index[axis] += 1
          if index[axis] < block.start[axis] + block.count[axis] { break }
          index[axis] = block.start[axis]
        }
      }
    }
    return result
  }

  /// Distance of neighbours along each axis, in elements.
  private var strides: [Int] {
    var strides = shape
    var step = 1
    for axis in isFortranOrder ? Array(shape.indices) : shape.indices.reversed() {
      strides[axis] = step
      step *= shape[axis]
    }
    return strides
  }

  private func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch content {
    case .mapped(let file): file.withBytes(in: 0..<file.bytes.count, body)
    case .copied(let bytes): bytes.withUnsafeBytes(body)
    }
  }
}

/// A rectangular part of an array.
private struct Block {
  let start: [Int]
  let count: [Int]
}
