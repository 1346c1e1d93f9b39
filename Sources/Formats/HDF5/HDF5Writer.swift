internal import CHDF5
import Foundation

/// An HDF5 file under construction: it has a temporary name beside the target until `finish()`, and
/// is removed when dropped before.
package final class HDF5Writer {
  /// Element types that are written.
  package enum ElementType: Sendable { case float32, float64 }

  /// Final name.
  package let path: String
  private let temporaryPath: String
  private let identifier: hid_t
  private var datasets: [String: hid_t] = [:]
  private var isOpen = true

  /// Creates the file.
  ///
  /// - Throws: `FormatError.cannotCreate`.
  package init(path: String) throws(FormatError) {
    self.path = path
    let temporaryPath = try Temporary.path(for: path)
    self.temporaryPath = temporaryPath
    identifier = try HDF5Library.locked { () throws(FormatError) in
      let identifier = H5Fcreate(
        temporaryPath, hdf5_create_new(), hdf5_default(), hdf5_default())
      guard identifier >= 0 else {
        throw .cannotCreate(path: path, reason: HDF5Library.reason())
      }
      return identifier
    }
  }

  deinit {
    guard isOpen else { return }
    close()
    unlink(temporaryPath)
  }

  /// Makes an empty group and the groups above it.
  package func createGroup(_ group: String) throws(FormatError) {
    try HDF5Library.locked { () throws(FormatError) in
      let links = Self.linksMakingGroups()
      defer { H5Pclose(links) }
      let created = H5Gcreate2(identifier, group, links, hdf5_default(), hdf5_default())
      guard created >= 0 else { throw .hdf5Writing(path, "cannot make group '\(group)'") }
      H5Gclose(created)
    }
  }

  /// Makes a dataset of zeros and the groups above it.
  ///
  /// - Parameters:
  ///   - dataset: Path inside the file.
  ///   - shape: Sizes of the axes, slowest first; empty for a scalar.
  ///   - type: Stored element type.
  ///   - chunk: Size of the pieces in which it is stored and compressed; nil for one piece.
  ///   - compression: Level 1–9 of gzip after a byte shuffle, nil for none; needs `chunk`.
  /// - Throws: `FormatError.writeFailed`, as when the name is taken.
  package func createDataset(
    _ dataset: String, shape: [Int], type: ElementType = .float32, chunk: [Int]? = nil,
    compression: Int? = nil
  ) throws(FormatError) {
    precondition(
      compression == nil || chunk != nil, "\(dataset): compression needs a chunk shape")
    precondition(
      chunk?.count ?? shape.count == shape.count, "\(dataset): chunk and shape differ in rank")
    try HDF5Library.locked { () throws(FormatError) in
      let space = HDF5Space.simple(shape)
      let links = Self.linksMakingGroups()
      let creation = H5Pcreate(hdf5_dataset_create_class())
      // Without times the same content gives the same bytes.
      H5Pset_obj_track_times(creation, false)
      defer {
        H5Pclose(creation)
        H5Pclose(links)
        H5Sclose(space)
      }
      if let chunk {
        H5Pset_chunk(creation, Int32(chunk.count), chunk.map { hsize_t($0) })
        if let compression {
          H5Pset_shuffle(creation)
          H5Pset_deflate(creation, UInt32(compression))
        }
      }
      let fileType = type == .float32 ? hdf5_ieee_f32le() : hdf5_ieee_f64le()
      let created = H5Dcreate2(
        identifier, dataset, fileType, space, links, creation, hdf5_default())
      guard created >= 0 else { throw .hdf5Writing(path, "cannot make dataset '\(dataset)'") }
      datasets[dataset] = created
    }
  }

  /// Writes the block at `start` of size `count`, in row-major order.
  package func write(
    _ values: [Float], to dataset: String, start: [Int], count: [Int]
  ) throws(FormatError) {
    try values.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try write(buffer, to: dataset, start: start, count: count)
    }
  }

  /// Writes the block at `start` of size `count`, in row-major order.
  package func write(
    _ values: UnsafeBufferPointer<Float>, to dataset: String, start: [Int], count: [Int]
  ) throws(FormatError) {
    try write(values, as: hdf5_native_float(), to: dataset, start: start, count: count)
  }

  /// Writes the block at `start` of size `count`, in row-major order.
  package func write(
    _ values: [Double], to dataset: String, start: [Int], count: [Int]
  ) throws(FormatError) {
    try values.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try write(buffer, as: hdf5_native_double(), to: dataset, start: start, count: count)
    }
  }

  /// Makes a dataset and writes all of it.
  package func writeDataset(_ dataset: String, shape: [Int], values: [Float]) throws(FormatError) {
    try createDataset(dataset, shape: shape)
    try write(values, to: dataset, start: shape.map { _ in 0 }, count: shape)
  }

  /// Makes a dataset of texts of variable length, and the groups above it.
  package func writeTexts(_ dataset: String, _ texts: [String]) throws(FormatError) {
    try HDF5Library.locked { () throws(FormatError) in
      let type = Self.textType()
      let space = HDF5Space.simple([texts.count])
      let links = Self.linksMakingGroups()
      let creation = H5Pcreate(hdf5_dataset_create_class())
      H5Pset_obj_track_times(creation, false)
      defer {
        H5Pclose(creation)
        H5Pclose(links)
        H5Sclose(space)
        H5Tclose(type)
      }
      let created = H5Dcreate2(identifier, dataset, type, space, links, creation, hdf5_default())
      guard created >= 0 else { throw .hdf5Writing(path, "cannot make dataset '\(dataset)'") }
      datasets[dataset] = created
      let copies = texts.map { strdup($0) }
      defer { for copy in copies { free(copy) } }
      guard H5Dwrite(created, type, hdf5_all(), hdf5_all(), hdf5_default(), copies) >= 0 else {
        throw .hdf5Writing(path, "cannot write dataset '\(dataset)'")
      }
    }
  }

  /// Adds an attribute to a group or dataset (`""`: to the file); one value is stored as a scalar.
  package func setAttribute(
    _ name: String, of object: String = "", to value: HDF5Attribute
  ) throws(FormatError) {
    try HDF5Library.locked { () throws(FormatError) in
      switch value {
      case .numbers(let numbers):
        try writeAttribute(
          name, of: object, count: numbers.count, type: hdf5_ieee_f64le()
        ) { H5Awrite($0, hdf5_native_double(), numbers) >= 0 }
      case .texts(let texts):
        let type = Self.textType()
        defer { H5Tclose(type) }
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        try writeAttribute(name, of: object, count: texts.count, type: type) {
          H5Awrite($0, type, copies) >= 0
        }
      case .unsupported(let type):
        preconditionFailure("attribute '\(name)' of type \(type) cannot be written")
      }
    }
  }

  /// Closes, flushes to the disk and gives the file its name.
  package func finish() throws(FormatError) {
    precondition(isOpen, "\(path) was finished twice")
    isOpen = false
    guard close() else {
      unlink(temporaryPath)
      throw .hdf5Writing(path, "cannot close")
    }
    do {
      try Temporary.flush(temporaryPath, for: path)
    } catch {
      unlink(temporaryPath)
      throw error
    }
    try Temporary.publish(temporaryPath, as: path)
  }

  @discardableResult private func close() -> Bool {
    HDF5Library.locked {
      var isClean = true
      for dataset in datasets.values { isClean = H5Dclose(dataset) >= 0 && isClean }
      datasets = [:]
      isClean = H5Fclose(identifier) >= 0 && isClean
      return isClean
    }
  }

  private func write<Element>(
    _ values: UnsafeBufferPointer<Element>, as memoryType: hid_t, to dataset: String, start: [Int],
    count: [Int]
  ) throws(FormatError) {
    precondition(
      values.count == count.reduce(1, *), "\(dataset): \(values.count) values for a block \(count)")
    guard let identifier = datasets[dataset] else {
      preconditionFailure("dataset '\(dataset)' of \(path) was not created before writing")
    }
    try HDF5Library.locked { () throws(FormatError) in
      let fileSpace = H5Dget_space(identifier)
      let memorySpace = HDF5Space.simple(count)
      defer {
        H5Sclose(memorySpace)
        H5Sclose(fileSpace)
      }
      guard HDF5Space.select(start: start, count: count, in: fileSpace),
        H5Dwrite(
          identifier, memoryType, memorySpace, fileSpace, hdf5_default(), values.baseAddress) >= 0
      else { throw .hdf5Writing(path, "cannot write dataset '\(dataset)'") }
    }
  }

  private func writeAttribute(
    _ name: String, of object: String, count: Int, type: hid_t, _ write: (hid_t) -> Bool
  ) throws(FormatError) {
    let opened = H5Oopen(identifier, HDF5File.absolute(object), hdf5_default())
    guard opened >= 0 else { throw .hdf5Writing(path, "no object '\(object)'") }
    defer { H5Oclose(opened) }
    let space = HDF5Space.simple(count == 1 ? [] : [count])
    defer { H5Sclose(space) }
    let attribute = H5Acreate2(opened, name, type, space, hdf5_default(), hdf5_default())
    guard attribute >= 0 else { throw .hdf5Writing(path, "cannot add attribute '\(name)'") }
    defer { H5Aclose(attribute) }
    guard write(attribute) else {
      throw .hdf5Writing(path, "cannot write attribute '\(name)'")
    }
  }

  /// UTF-8 of variable length.
  private static func textType() -> hid_t {
    let type = H5Tcopy(hdf5_c_string())
    H5Tset_size(type, hdf5_variable_size())
    H5Tset_cset(type, H5T_CSET_UTF8)
    return type
  }

  private static func linksMakingGroups() -> hid_t {
    let links = H5Pcreate(hdf5_link_create_class())
    H5Pset_create_intermediate_group(links, 1)
    return links
  }
}
