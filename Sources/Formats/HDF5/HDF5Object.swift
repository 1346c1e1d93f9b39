internal import CHDF5

/// An entry of an HDF5 file.
package struct HDF5Object: Sendable, Equatable {
  package enum Kind: Sendable, Equatable { case group, dataset, namedType }

  /// Full path without the leading slash, `0003/data`.
  package let path: String
  package let kind: Kind
  /// Nil for what is not a dataset.
  package let layout: HDF5Layout?
}

/// How a dataset is stored.
package struct HDF5Layout: Sendable, Equatable {
  /// Sizes of the axes, slowest first; empty for a scalar.
  package let shape: [Int]
  package let elementType: HDF5ElementType
  /// Nil when stored in one piece.
  package let chunk: [Int]?
  /// In the order in which they were applied on writing.
  package let filters: [HDF5Filter]

  /// Product of `shape`.
  package var elementCount: Int { shape.reduce(1, *) }
}

/// The stored element type, before any conversion.
package enum HDF5ElementType: Sendable, Equatable, CustomStringConvertible {
  case float(bytes: Int)
  case integer(bytes: Int, isSigned: Bool)
  /// Integers with names, as h5py writes truth values.
  case enumeration(bytes: Int)
  case text
  /// Compounds, references and the like, by HDF5's name for the class.
  case other(String)

  /// Whether values convert to floating point.
  package var isNumeric: Bool {
    switch self {
    case .float, .integer, .enumeration: true
    case .text, .other: false
    }
  }

  package var description: String {
    switch self {
    case .float(let bytes): "float\(8 * bytes)"
    case .integer(let bytes, let isSigned): (isSigned ? "int" : "uint") + "\(8 * bytes)"
    case .enumeration(let bytes): "enumeration (\(8 * bytes) bits)"
    case .text: "text"
    case .other(let name): name
    }
  }
}

/// One step of a chunk's encoding.
package struct HDF5Filter: Sendable, Equatable {
  /// Registered number: 1 deflate, 2 shuffle, 32000 LZF.
  package let identifier: Int
  package let name: String
  /// Whether this process can decode it.
  package let isAvailable: Bool
}

extension HDF5ElementType {
  /// Describes an open type.
  init(type: hid_t) {
    let bytes = H5Tget_size(type)
    switch H5Tget_class(type) {
    case H5T_FLOAT: self = .float(bytes: bytes)
    case H5T_INTEGER: self = .integer(bytes: bytes, isSigned: H5Tget_sign(type) == H5T_SGN_2)
    case H5T_ENUM: self = .enumeration(bytes: bytes)
    case H5T_STRING: self = .text
    case H5T_COMPOUND: self = .other("compound")
    case H5T_REFERENCE: self = .other("reference")
    case H5T_VLEN: self = .other("variable-length sequence")
    case H5T_ARRAY: self = .other("array")
    case H5T_BITFIELD: self = .other("bit field")
    case H5T_OPAQUE: self = .other("opaque")
    default: self = .other("unknown")
    }
  }
}

extension HDF5Layout {
  /// Describes an open dataset; nil where libhdf5 refuses.
  init?(dataset: hid_t) {
    let space = H5Dget_space(dataset)
    let type = H5Dget_type(dataset)
    let creation = H5Dget_create_plist(dataset)
    defer {
      if space >= 0 { H5Sclose(space) }
      if type >= 0 { H5Tclose(type) }
      if creation >= 0 { H5Pclose(creation) }
    }
    guard space >= 0, type >= 0, creation >= 0, let shape = Self.shape(of: space) else {
      return nil
    }
    self.shape = shape
    elementType = HDF5ElementType(type: type)
    chunk = Self.chunk(creation, rank: shape.count)
    filters = Self.filters(creation)
  }

  /// Sizes of an open dataspace; one axis of length 0 where it holds nothing.
  static func shape(of space: hid_t) -> [Int]? {
    if H5Sget_simple_extent_type(space) == H5S_NULL { return [0] }
    let rank = Int(H5Sget_simple_extent_ndims(space))
    guard rank >= 0 else { return nil }
    var sizes = [hsize_t](repeating: 0, count: rank)
    guard H5Sget_simple_extent_dims(space, &sizes, nil) >= 0 else { return nil }
    var shape: [Int] = []
    var product = 1
    for size in sizes {
      guard let size = Int(exactly: size) else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
      guard !overflow else { return nil }
      product = next
      shape.append(size)
    }
    return shape
  }

  private static func chunk(_ creation: hid_t, rank: Int) -> [Int]? {
    guard H5Pget_layout(creation) == H5D_CHUNKED else { return nil }
    var sizes = [hsize_t](repeating: 0, count: rank)
    guard H5Pget_chunk(creation, Int32(rank), &sizes) >= 0 else { return nil }
    return sizes.map { Int($0) }
  }

  private static func filters(_ creation: hid_t) -> [HDF5Filter] {
    (0..<max(0, H5Pget_nfilters(creation))).map { position in
      var flags: UInt32 = 0
      var parameterCount = 0
      var name = [CChar](repeating: 0, count: 80)
      let identifier = H5Pget_filter2(
        creation, UInt32(position), &flags, &parameterCount, nil, name.count - 1, &name, nil)
      return HDF5Filter(
        identifier: Int(identifier), name: text(name), isAvailable: H5Zfilter_avail(identifier) > 0)
    }
  }
}

/// Text up to the first NUL.
func text(_ characters: [CChar]) -> String {
  String(
    decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
