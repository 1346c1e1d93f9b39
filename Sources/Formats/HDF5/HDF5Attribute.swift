internal import CHDF5
import Foundation

/// The value of an attribute; a scalar is an array of one.
package enum HDF5Attribute: Sendable, Equatable {
  case numbers([Double])
  case texts([String])
  /// A type that is not read here, by name.
  case unsupported(String)

  /// The value of a single number.
  package var number: Double? {
    if case .numbers(let values) = self, values.count == 1 { values.first } else { nil }
  }

  /// The value of a single text.
  package var text: String? {
    if case .texts(let values) = self, values.count == 1 { values.first } else { nil }
  }
}

extension HDF5File {
  /// Value of an attribute of a group or dataset (`""`: of the file), or nil if it has none of that
  /// name.
  ///
  /// - Throws: `FormatError.objectMissing` if there is no such group or dataset, `.malformed`.
  package func attribute(
    _ name: String, of object: String = ""
  ) throws(FormatError) -> HDF5Attribute? {
    try HDF5Library.locked { () throws(FormatError) in
      try requireObject(object)
      let location = Self.absolute(object)
      guard H5Aexists_by_name(identifier, location, name, hdf5_default()) > 0 else { return nil }
      let attribute = H5Aopen_by_name(
        identifier, location, name, hdf5_default(), hdf5_default())
      guard attribute >= 0 else { throw .hdf5(path, "cannot open attribute '\(name)'") }
      defer { H5Aclose(attribute) }
      return try value(of: attribute, name: name)
    }
  }

  /// All attributes of a group or dataset (`""`: of the file).
  package func attributes(of object: String = "") throws(FormatError) -> [String: HDF5Attribute] {
    try HDF5Library.locked { () throws(FormatError) in
      try requireObject(object)
      let opened = H5Oopen(identifier, Self.absolute(object), hdf5_default())
      guard opened >= 0 else { throw .hdf5(path, "cannot open '\(object)'") }
      defer { H5Oclose(opened) }
      var found: [String: HDF5Attribute] = [:]
      for position in 0..<max(0, H5Aget_num_attrs(opened)) {
        let attribute = H5Aopen_by_idx(
          opened, ".", H5_INDEX_NAME, H5_ITER_INC, hsize_t(position), hdf5_default(),
          hdf5_default())
        guard attribute >= 0 else { throw .hdf5(path, "cannot open an attribute of '\(object)'") }
        defer { H5Aclose(attribute) }
        var characters = [CChar](
          repeating: 0, count: max(0, H5Aget_name(attribute, 0, nil)) + 1)
        H5Aget_name(attribute, characters.count, &characters)
        let name = Formats.text(characters)
        found[name] = try value(of: attribute, name: name)
      }
      return found
    }
  }

  private func requireObject(_ object: String) throws(FormatError) {
    guard kind(of: object) != nil else {
      throw .objectMissing(
        path: path, object: object, kind: "object", available: try objects().map(\.path))
    }
  }

  private func value(of attribute: hid_t, name: String) throws(FormatError) -> HDF5Attribute {
    let space = H5Aget_space(attribute)
    let type = H5Aget_type(attribute)
    defer {
      H5Sclose(space)
      H5Tclose(type)
    }
    guard let count = HDF5Layout.shape(of: space)?.reduce(1, *), count <= largestAttribute else {
      throw .hdf5(path, "attribute '\(name)' has no sensible size")
    }
    let elementType = HDF5ElementType(type: type)
    if elementType.isNumeric {
      var values = [Double](repeating: 0, count: count)
      guard count == 0 || H5Aread(attribute, hdf5_native_double(), &values) >= 0 else {
        throw .hdf5(path, "cannot read attribute '\(name)'")
      }
      return .numbers(values)
    }
    guard elementType == .text else { return .unsupported("\(elementType)") }
    let texts =
      H5Tis_variable_str(type) > 0
      ? variableTexts(of: attribute, type: type, space: space, count: count)
      : fixedTexts(of: attribute, type: type, count: count)
    guard let texts else { throw .hdf5(path, "cannot read attribute '\(name)'") }
    return .texts(texts)
  }

  private func variableTexts(
    of attribute: hid_t, type: hid_t, space: hid_t, count: Int
  ) -> [String]? {
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    guard count == 0 || H5Aread(attribute, type, &pointers) >= 0 else { return nil }
    defer { H5Dvlen_reclaim(type, space, hdf5_default(), &pointers) }
    return pointers.map { $0.map { String(cString: $0) } ?? "" }
  }

  private func fixedTexts(of attribute: hid_t, type: hid_t, count: Int) -> [String]? {
    let size = H5Tget_size(type)
    let (byteCount, overflow) = size.multipliedReportingOverflow(by: count)
    guard size > 0, !overflow, byteCount <= largestAttribute else { return nil }
    var bytes = [CChar](repeating: 0, count: byteCount)
    guard count == 0 || H5Aread(attribute, type, &bytes) >= 0 else { return nil }
    let isPaddedBySpaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD
    return (0..<count).map { position in
      let text = Formats.text(Array(bytes[position * size..<(position + 1) * size]))
      guard isPaddedBySpaces, let end = text.lastIndex(where: { $0 != " " }) else { return text }
      return String(text[...end])
    }
  }
}

/// Attributes are small; a larger claim is a damaged header.
private let largestAttribute = 1 << 26
