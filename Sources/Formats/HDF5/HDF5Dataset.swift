internal import CHDF5

/// An open dataset: parts of it are read on demand, converted to the wanted type.
///
/// Single precision of the usual layouts is read past libhdf5, on as many threads as ask; what is not as
/// expected there goes through libhdf5, whose values and messages are the same.
/// Stays open, with its chunk cache, as long as it is held, and holds its file.
package final class HDF5Dataset: Sendable {
  package let file: HDF5File
  /// Path inside the file.
  package let path: String
  package let layout: HDF5Layout
  let identifier: hid_t
  /// Nil where libhdf5 must read.
  private let storage: HDF5Storage?

  package var shape: [Int] { layout.shape }

  /// Called inside the library's lock, for an object that is a dataset.
  init(file: HDF5File, path: String) throws(FormatError) {
    let identifier = H5Dopen2(file.identifier, HDF5File.absolute(path), hdf5_default())
    guard identifier >= 0 else { throw .hdf5(file.path, "cannot open dataset '\(path)'") }
    guard let layout = HDF5Layout(dataset: identifier) else {
      let failure = FormatError.hdf5(file.path, "cannot describe dataset '\(path)'")
      H5Dclose(identifier)
      throw failure
    }
    if let unknown = layout.filters.first(where: { !$0.isAvailable }) {
      H5Dclose(identifier)
      let name = unknown.name.isEmpty ? "without a name" : "'\(unknown.name)'"
      throw .unsupported(
        path: file.path, what: "filter \(unknown.identifier) (\(name)) of dataset '\(path)'",
        remedy: "Rewrite the file with gzip, for example `h5repack -f GZIP=4 in.h5 out.h5`.")
    }
    self.file = file
    self.path = path
    self.layout = layout
    self.identifier = identifier
    storage = file.positions.flatMap {
      HDF5Storage(dataset: identifier, file: $0, description: layout)
    }
  }

  /// Whether it is read past libhdf5.
  package var isReadDirectly: Bool { storage != nil }

  deinit {
    HDF5Library.locked { _ = H5Dclose(identifier) }
  }

  /// The shape, after checking that there is one axis per name.
  ///
  /// - Throws: `FormatError.wrongAxes`.
  package func shape(axes names: [String]) throws(FormatError) -> [Int] {
    guard names.count == shape.count else {
      throw .wrongAxes(path: file.path, object: path, expected: names, found: shape)
    }
    return shape
  }

  /// Elements of the block at `start` of size `count`, in row-major order.
  ///
  /// - Throws: `FormatError.outOfBounds`, `.wrongElementType` or `.malformed`.
  package func readFloats(start: [Int], count: [Int]) throws(FormatError) -> [Float] {
    var values = [Float](repeating: 0, count: try elementCount(start: start, count: count))
    try values.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      try read(start: start, count: count, into: buffer)
    }
    return values
  }

  /// All elements in row-major order.
  package func readFloats() throws(FormatError) -> [Float] {
    try readFloats(start: shape.map { _ in 0 }, count: shape)
  }

  /// Reads the block at `start` of size `count` into `target`, which has room for exactly it.
  package func read(
    start: [Int], count: [Int], into target: UnsafeMutableBufferPointer<Float>
  ) throws(FormatError) {
    let wanted = try elementCount(start: start, count: count)
    if wanted > 0, target.count == wanted, let storage,
      HDF5Reading(storage, start: start, count: count, shape: shape).read(into: target)
    {
      return
    }
    try read(start: start, count: count, into: target, as: hdf5_native_float())
  }

  /// Reads the block at `start` of size `count` into `target`, which has room for exactly it.
  package func read(
    start: [Int], count: [Int], into target: UnsafeMutableBufferPointer<Double>
  ) throws(FormatError) {
    try read(start: start, count: count, into: target, as: hdf5_native_double())
  }

  /// Elements of the block at `start` of size `count`, in row-major order.
  package func readDoubles(start: [Int], count: [Int]) throws(FormatError) -> [Double] {
    var values = [Double](repeating: 0, count: try elementCount(start: start, count: count))
    try values.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      try read(start: start, count: count, into: buffer)
    }
    return values
  }

  /// All elements in row-major order.
  package func readDoubles() throws(FormatError) -> [Double] {
    try readDoubles(start: shape.map { _ in 0 }, count: shape)
  }

  /// All elements of an integer dataset in row-major order.
  package func readIntegers() throws(FormatError) -> [Int] {
    if case .float = layout.elementType {
      throw .wrongElementType(
        path: file.path, object: path, expected: "integers", found: "\(layout.elementType)")
    }
    let start = shape.map { _ in 0 }
    var values = [Int](repeating: 0, count: try elementCount(start: start, count: shape))
    try values.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      try read(start: start, count: shape, into: buffer, as: hdf5_native_int64())
    }
    return values
  }

  private func elementCount(start: [Int], count: [Int]) throws(FormatError) -> Int {
    let isInside =
      start.count == shape.count && count.count == shape.count
      && shape.indices.allSatisfy {
        start[$0] >= 0 && count[$0] >= 0 && start[$0] <= shape[$0]
          && count[$0] <= shape[$0] - start[$0]
      }
    guard isInside else {
      throw .outOfBounds(
        path: file.path, object: path, start: start, count: count, shape: shape)
    }
    guard layout.elementType.isNumeric else {
      throw .wrongElementType(
        path: file.path, object: path, expected: "numbers", found: "\(layout.elementType)")
    }
    return count.reduce(1, *)
  }

  private func read<Element>(
    start: [Int], count: [Int], into target: UnsafeMutableBufferPointer<Element>,
    as memoryType: hid_t
  ) throws(FormatError) {
    let wanted = try elementCount(start: start, count: count)
    precondition(
      target.count == wanted,
      "\(path): \(wanted) elements for a buffer of \(target.count)")
    guard wanted > 0 else { return }
    try HDF5Library.locked { () throws(FormatError) in
      let fileSpace = H5Dget_space(identifier)
      let memorySpace = HDF5Space.simple(count)
      defer {
        H5Sclose(memorySpace)
        H5Sclose(fileSpace)
      }
      guard HDF5Space.select(start: start, count: count, in: fileSpace),
        H5Dread(
          identifier, memoryType, memorySpace, fileSpace, hdf5_default(), target.baseAddress) >= 0
      else { throw .hdf5(file.path, "cannot read dataset '\(path)'") }
    }
  }
}

/// Dataspaces by sizes.
enum HDF5Space {
  /// A new space of `shape`, to be closed by the caller.
  static func simple(_ shape: [Int]) -> hid_t {
    guard !shape.isEmpty else { return H5Screate(H5S_SCALAR) }
    return H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, nil)
  }

  /// Selects a block of a space; a scalar is selected as it is.
  static func select(start: [Int], count: [Int], in space: hid_t) -> Bool {
    guard !start.isEmpty else { return true }
    return H5Sselect_hyperslab(
      space, H5S_SELECT_SET, start.map { hsize_t($0) }, nil, count.map { hsize_t($0) }, nil) >= 0
  }
}
