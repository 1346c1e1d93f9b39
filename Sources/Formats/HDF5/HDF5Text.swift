internal import CHDF5

extension HDF5Dataset {
  /// Largest number of bytes of fixed-length texts, or of texts of any length, that are read at once.
  private static let largestText = 1 << 26

  /// All texts in row-major order, of fixed or of variable length.
  ///
  /// - Throws: `FormatError.wrongElementType` where it holds something else, `.malformed`.
  package func readTexts() throws(FormatError) -> [String] {
    guard layout.elementType == .text else {
      throw .wrongElementType(
        path: file.path, object: path, expected: "text", found: "\(layout.elementType)")
    }
    let count = layout.elementCount
    guard count <= Self.largestText / MemoryLayout<UnsafeRawPointer>.size else {
      throw .unsupported(
        path: file.path, what: "'\(path)' with \(count) texts",
        remedy: "Fetch or write the file again if that is no true number.")
    }
    guard count > 0 else { return [] }
    return try HDF5Library.locked { () throws(FormatError) in
      let type = H5Dget_type(identifier)
      defer { H5Tclose(type) }
      let texts =
        H5Tis_variable_str(type) > 0
        ? variableTexts(count, type: type) : fixedTexts(count, type: type)
      guard let texts else { throw .hdf5(file.path, "cannot read dataset '\(path)'") }
      return texts
    }
  }

  private func variableTexts(_ count: Int, type: hid_t) -> [String]? {
    let space = H5Dget_space(identifier)
    defer { H5Sclose(space) }
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    guard H5Dread(identifier, type, hdf5_all(), hdf5_all(), hdf5_default(), &pointers) >= 0 else {
      return nil
    }
    defer { H5Dvlen_reclaim(type, space, hdf5_default(), &pointers) }
    return pointers.map { $0.map { String(cString: $0) } ?? "" }
  }

  private func fixedTexts(_ count: Int, type: hid_t) -> [String]? {
    let size = H5Tget_size(type)
    let (byteCount, overflow) = size.multipliedReportingOverflow(by: count)
    guard size > 0, !overflow, byteCount <= Self.largestText else { return nil }
    var bytes = [CChar](repeating: 0, count: byteCount)
    guard H5Dread(identifier, type, hdf5_all(), hdf5_all(), hdf5_default(), &bytes) >= 0 else {
      return nil
    }
    return (0..<count).map { position in
      let text = Formats.text(Array(bytes[position * size..<(position + 1) * size]))
      guard let end = text.lastIndex(where: { $0 != " " }) else { return "" }
      return String(text[...end])
    }
  }
}

extension HDF5Dataset {
  /// Name of the dimension scale of each axis, as NetCDF-4 attaches them, without the group; nil where
  /// not every axis has one.
  ///
  /// - Throws: `FormatError.malformed` where the attached objects cannot be followed.
  package func dimensionNames() throws(FormatError) -> [String]? {
    try HDF5Library.locked { () throws(FormatError) in
      let key = "DIMENSION_LIST"
      guard H5Aexists(identifier, key) > 0 else { return nil }
      let attribute = H5Aopen(identifier, key, hdf5_default())
      guard attribute >= 0 else { throw .hdf5(file.path, "cannot open attribute '\(key)'") }
      defer { H5Aclose(attribute) }
      let type = H5Aget_type(attribute)
      let space = H5Aget_space(attribute)
      defer {
        H5Sclose(space)
        H5Tclose(type)
      }
      let element = H5Tget_super(type)
      defer { if element >= 0 { H5Tclose(element) } }
      // Object references, one list of them for each axis; newer kinds of reference are larger.
      guard H5Tget_class(type) == H5T_VLEN, element >= 0, H5Tget_class(element) == H5T_REFERENCE,
        H5Tget_size(element) == MemoryLayout<hobj_ref_t>.size,
        HDF5Layout.shape(of: space) == [shape.count]
      else { return nil }
      var lists = [hvl_t](repeating: hvl_t(), count: shape.count)
      guard H5Aread(attribute, type, &lists) >= 0 else {
        throw .hdf5(file.path, "cannot read attribute '\(key)'")
      }
      defer { H5Dvlen_reclaim(type, space, hdf5_default(), &lists) }
      var names: [String] = []
      for list in lists {
        guard list.len > 0, let references = list.p else { return nil }
        let scale = H5Rdereference2(identifier, hdf5_default(), H5R_OBJECT, references)
        guard scale >= 0 else { throw .hdf5(file.path, "a dimension of '\(path)' leads nowhere") }
        defer { H5Oclose(scale) }
        var characters = [CChar](repeating: 0, count: max(0, H5Iget_name(scale, nil, 0)) + 1)
        H5Iget_name(scale, &characters, characters.count)
        let name = Formats.text(characters)
        names.append(name.split(separator: "/").last.map(String.init) ?? name)
      }
      return names
    }
  }
}
