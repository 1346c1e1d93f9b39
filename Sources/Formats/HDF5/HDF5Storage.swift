internal import CHDF5
import Synchronization

/// Where the elements of an HDF5 dataset lie in its file and how they are encoded, for the kinds that
/// are read here without libhdf5's lock: little-endian numbers in one piece, or in chunks by deflate,
/// shuffle and LZF.
///
/// libhdf5 serves one thread at a time, and copies every element through a buffer of its own.
final class HDF5Storage: Sendable {
  enum Filter: Sendable, Equatable {
    case deflate
    /// Bytes sorted by their place in elements of this size.
    case shuffle(Int)
    case lzf
  }

  /// Where a chunk lies.
  struct Chunk: Sendable {
    /// Nil for a chunk that was never written.
    var position: Int?
    var byteCount: Int
    /// Bit i: filter i was left out.
    var skipped: UInt32
  }

  enum Layout: Sendable {
    /// From this position on.
    case contiguous(position: Int)
    case chunked(shape: [Int], filters: [Filter])
  }

  let file: PositionedFile
  let element: StoredNumber
  let layout: Layout
  /// What stands where nothing was written.
  let fill: Float
  private let dataset: hid_t
  private let chunks = Mutex<[[Int]: Chunk]>([:])
  /// Places of chunks that are remembered, so that memory stays bounded.
  private static let mostChunks = 1 << 16

  /// Describes an open dataset, which must live as long; nil where libhdf5 must read it.
  ///
  /// Called inside the library's lock.
  init?(dataset: hid_t, file: PositionedFile, description: HDF5Layout) {
    let type = H5Dget_type(dataset)
    let creation = H5Dget_create_plist(dataset)
    defer {
      if type >= 0 { H5Tclose(type) }
      if creation >= 0 { H5Pclose(creation) }
    }
    guard type >= 0, creation >= 0, let element = Self.element(type, description.elementType),
      !description.shape.isEmpty, !description.shape.contains(0),
      let fill = Self.fill(creation)
    else { return nil }
    switch H5Pget_layout(creation) {
    case H5D_CONTIGUOUS:
      let position = H5Dget_offset(dataset)
      guard position != hdf5_no_address(), H5Pget_external_count(creation) == 0,
        let position = Int(exactly: position)
      else { return nil }
      layout = .contiguous(position: position)
    case H5D_CHUNKED:
      guard let shape = description.chunk,
        let filters = Self.filters(description.filters, element: element)
      else { return nil }
      layout = .chunked(shape: shape, filters: filters)
    default: return nil
    }
    self.file = file
    self.element = element
    self.fill = fill
    self.dataset = dataset
  }

  /// The chunk whose first element is at `start`; nil where libhdf5 does not say.
  func chunk(at start: [Int]) -> Chunk? {
    if let known = chunks.withLock({ $0[start] }) { return known }
    let found = HDF5Library.locked { () -> Chunk? in
      var (skipped, position, size) = (UInt32(0), haddr_t(0), hsize_t(0))
      guard
        H5Dget_chunk_info_by_coord(
          dataset, start.map { hsize_t($0) }, &skipped, &position, &size) >= 0
      else { return nil }
      let isWritten = position != hdf5_no_address()
      return Chunk(
        position: isWritten ? Int(exactly: position) : nil, byteCount: isWritten ? Int(size) : 0,
        skipped: skipped)
    }
    guard let found else { return nil }
    chunks.withLock { chunks in
      if chunks.count >= Self.mostChunks { chunks.removeAll() }
      chunks[start] = found
    }
    return found
  }

  private static func element(_ type: hid_t, _ stored: HDF5ElementType) -> StoredNumber? {
    let order = H5Tget_order(type)
    guard order == H5T_ORDER_LE || order == H5T_ORDER_NONE else { return nil }
    switch stored {
    case .float(let bytes):
      // Other splits of sign, exponent and fraction exist.
      guard H5Tequal(type, bytes == 4 ? hdf5_ieee_f32le() : hdf5_ieee_f64le()) > 0 else {
        return nil
      }
      return StoredNumber(floatBytes: bytes)
    case .integer(let bytes, let isSigned):
      guard H5Tget_precision(type) == 8 * bytes, H5Tget_offset(type) == 0 else { return nil }
      return StoredNumber(integerBytes: bytes, isSigned: isSigned)
    case .enumeration, .text, .other: return nil
    }
  }

  /// The filters in the order of decoding; nil where one is of another kind.
  private static func filters(_ stored: [HDF5Filter], element: StoredNumber) -> [Filter]? {
    var filters: [Filter] = []
    for filter in stored {
      switch filter.identifier {
      case 1: filters.append(.deflate)
      case 2: filters.append(.shuffle(element.byteCount))
      case Int(LZF.filterIdentifier): filters.append(.lzf)
      default: return nil
      }
    }
    return filters
  }

  private static func fill(_ creation: hid_t) -> Float? {
    var state = H5D_FILL_VALUE_ERROR
    guard H5Pfill_value_defined(creation, &state) >= 0 else { return nil }
    switch state {
    case H5D_FILL_VALUE_DEFAULT, H5D_FILL_VALUE_USER_DEFINED:
      var value: Float = 0
      return H5Pget_fill_value(creation, hdf5_native_float(), &value) >= 0 ? value : nil
    default: return nil
    }
  }
}
