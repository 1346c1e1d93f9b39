internal import CHDF5
import Foundation
import Synchronization

/// An HDF5 file open for reading; NetCDF-4 and MATLAB v7.3 files are HDF5 too.
///
/// May be used from any thread: each call takes the lock of the process. The file is closed when it
/// and all datasets taken from it are gone.
package final class HDF5File: Sendable {
  package let path: String
  let identifier: hid_t
  /// The file on the disk for reading past libhdf5; nil in memory, or behind a block of the user's, which
  /// shifts the positions that libhdf5 gives for chunks.
  let positions: PositionedFile?

  /// Opens `path`.
  ///
  /// - Throws: `FormatError.fileMissing`, `.cannotRead`, or `.malformed` where the file is not
  ///   HDF5 or is cut off.
  package init(reading path: String) throws(FormatError) {
    self.path = path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .fileMissing(path: path)
    }
    guard !isFolder.boolValue else { throw .cannotRead(path: path, reason: "it is a folder") }
    guard access(path, R_OK) == 0 else { throw .cannotRead(path: path, reason: systemReason()) }
    identifier = try HDF5Library.locked { () throws(FormatError) in
      let identifier = H5Fopen(path, hdf5_read_only(), hdf5_default())
      guard identifier >= 0 else { throw .hdf5(path, "cannot open") }
      return identifier
    }
    let hasUserBlock = HDF5Library.locked { [identifier] in
      let creation = H5Fget_create_plist(identifier)
      defer { H5Pclose(creation) }
      var size: hsize_t = 0
      return H5Pget_userblock(creation, &size) < 0 || size > 0
    }
    positions = hasUserBlock ? nil : PositionedFile(path)
  }

  /// Opens a file whose bytes are in memory, as from a container; they are copied.
  ///
  /// - Parameters:
  ///   - image: The whole file.
  ///   - path: What messages call it.
  /// - Throws: `FormatError.malformed` where the bytes are not HDF5 or are cut off.
  package init(image: [UInt8], path: String) throws(FormatError) {
    self.path = path
    positions = nil
    identifier = try HDF5Library.locked { () throws(FormatError) in
      let access = H5Pcreate(hdf5_file_access_class())
      defer { H5Pclose(access) }
      // The library takes files of one name for one file.
      let name = "image-\(Self.imageCounter.add(1, ordering: .relaxed).newValue)"
      var copy = image
      let isSet = copy.withUnsafeMutableBytes { bytes in
        H5Pset_fapl_core(access, 1 << 16, false) >= 0
          && H5Pset_file_image(access, bytes.baseAddress, bytes.count) >= 0
      }
      guard isSet, !image.isEmpty else {
        throw .malformed(path: path, format: "HDF5", reason: "it is empty")
      }
      let identifier = H5Fopen(name, hdf5_read_only(), access)
      guard identifier >= 0 else { throw .hdf5(path, "cannot open") }
      return identifier
    }
  }

  deinit {
    HDF5Library.locked { _ = H5Fclose(identifier) }
  }

  private static let imageCounter = Atomic(0)

  /// Every group, dataset and named type in order of their names, groups before what they hold; the
  /// root is left out, as are links that lead nowhere.
  package func objects() throws(FormatError) -> [HDF5Object] {
    try HDF5Library.locked { () throws(FormatError) in
      var found: [HDF5Object] = []
      try appendObjects(of: "", depth: 0, to: &found)
      return found
    }
  }

  /// Names of what `group` holds, sorted; the root is `""` or `/`.
  ///
  /// - Throws: `FormatError.objectMissing` with the groups that the file has.
  package func children(of group: String) throws(FormatError) -> [String] {
    try HDF5Library.locked { () throws(FormatError) in
      guard let kind = kind(of: group), kind == .group else {
        throw try missing(group, kind: .group, called: "group")
      }
      return try childNames(of: group)
    }
  }

  /// Opens a dataset.
  ///
  /// - Throws: `FormatError.objectMissing` with the datasets that the file has, `.unsupported` if a
  ///   filter is unknown.
  package func dataset(_ object: String) throws(FormatError) -> HDF5Dataset {
    try HDF5Library.locked { () throws(FormatError) in
      guard kind(of: object) == .dataset else {
        throw try missing(object, kind: .dataset, called: "dataset")
      }
      return try HDF5Dataset(file: self, path: object)
    }
  }

  /// Whether `object` is a group, a dataset or a named type; nil where there is nothing.
  package func kind(of object: String) -> HDF5Object.Kind? {
    HDF5Library.locked {
      let opened = H5Oopen(identifier, Self.absolute(object), hdf5_default())
      guard opened >= 0 else { return nil }
      defer { H5Oclose(opened) }
      return switch H5Iget_type(opened) {
      case H5I_GROUP: .group
      case H5I_DATASET: .dataset
      default: .namedType
      }
    }
  }

  /// Number of open files, datasets, attributes, groups and types in this process.
  package static var openHandleCount: Int {
    HDF5Library.locked { H5Fget_obj_count(hdf5_every_file(), hdf5_every_object()) }
  }

  static func absolute(_ object: String) -> String {
    object.hasPrefix("/") ? object : "/" + object
  }

  /// Deeper than any sensible file; a group that contains itself is refused by it.
  private static let deepestGroup = 32

  private func appendObjects(
    of group: String, depth: Int, to found: inout [HDF5Object]
  ) throws(FormatError) {
    guard depth < Self.deepestGroup else {
      throw .unsupported(
        path: path, what: "a group nested \(depth) deep ('\(group)')",
        remedy: "Remove the link that makes a group contain itself.")
    }
    for name in try childNames(of: group) {
      let object = group.isEmpty ? name : group + "/" + name
      switch kind(of: object) {
      case .group:
        found.append(HDF5Object(path: object, kind: .group, layout: nil))
        try appendObjects(of: object, depth: depth + 1, to: &found)
      case .dataset:
        found.append(HDF5Object(path: object, kind: .dataset, layout: try layout(of: object)))
      case .namedType:
        found.append(HDF5Object(path: object, kind: .namedType, layout: nil))
      case nil:
        continue
      }
    }
  }

  private func layout(of object: String) throws(FormatError) -> HDF5Layout {
    let dataset = H5Dopen2(identifier, Self.absolute(object), hdf5_default())
    guard dataset >= 0 else { throw .hdf5(path, "cannot open dataset '\(object)'") }
    defer { H5Dclose(dataset) }
    guard let layout = HDF5Layout(dataset: dataset) else {
      throw .hdf5(path, "cannot describe dataset '\(object)'")
    }
    return layout
  }

  private func childNames(of group: String) throws(FormatError) -> [String] {
    let opened = H5Gopen2(identifier, Self.absolute(group), hdf5_default())
    guard opened >= 0 else { throw .hdf5(path, "cannot open group '\(group)'") }
    defer { H5Gclose(opened) }
    var information = H5G_info_t()
    guard H5Gget_info(opened, &information) >= 0 else {
      throw .hdf5(path, "cannot read group '\(group)'")
    }
    var names: [String] = []
    for position in 0..<information.nlinks {
      let length = H5Lget_name_by_idx(
        opened, ".", H5_INDEX_NAME, H5_ITER_INC, position, nil, 0, hdf5_default())
      guard length >= 0 else { throw .hdf5(path, "cannot list group '\(group)'") }
      var name = [CChar](repeating: 0, count: length + 1)
      H5Lget_name_by_idx(
        opened, ".", H5_INDEX_NAME, H5_ITER_INC, position, &name, name.count, hdf5_default())
      names.append(text(name))
    }
    return names
  }

  private func missing(
    _ object: String, kind: HDF5Object.Kind, called name: String
  ) throws(FormatError) -> FormatError {
    .objectMissing(
      path: path, object: object, kind: name,
      available: try objects().filter { $0.kind == kind }.map(\.path))
  }
}
