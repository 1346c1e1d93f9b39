import Formats

/// A file of `torch.save`: a pickle, and storages that it refers to by key.
protocol TorchContainer: Sendable {
  var path: String { get }
  /// Which of PyTorch's formats it is, in words.
  var format: String { get }
  /// What the pickle describes.
  var root: PickleValue { get }

  /// Calls `body` with the elements of a storage, and the mapped file if they lie in it.
  ///
  /// `name` is the tensor's, for messages.
  func withStorage<Result>(
    of tensor: StoredTensor, name: String,
    _ body: (UnsafeRawBufferPointer, _ owner: MappedFile?) -> Result
  ) throws(CheckpointError) -> Result
}

/// Name of the format in messages.
let torchFormat = "PyTorch checkpoint"

extension TorchContainer {
  /// Reads a pickle of the file; `place` says where it lies.
  static func load(
    _ bytes: UnsafeRawBufferPointer, from start: Int = 0, of path: String, _ place: String
  ) throws(CheckpointError) -> RestrictedPickle.Content {
    do {
      return try RestrictedPickle.load(bytes, from: start)
    } catch {
      switch error {
      case .refused(let name): throw .refusedObject(path: path, name: name)
      case .malformed(let position, let reason):
        throw .malformed(path, torchFormat, "\(place), byte \(position): \(reason)")
      }
    }
  }

  /// Refuses a storage that the file does not hold whole.
  func require(
    _ found: Int?, bytesFor tensor: StoredTensor, name: String
  ) throws(CheckpointError) {
    guard let found else {
      throw .malformed(path, torchFormat, "storage '\(tensor.key)' of '\(name)' is missing")
    }
    let size = tensor.type.bitCount / 8
    let (needed, overflow) = tensor.storage.count.multipliedReportingOverflow(by: size)
    guard !overflow, needed == found else {
      throw .malformed(
        path, torchFormat,
        "storage '\(tensor.key)' of '\(name)' has \(found) bytes, expected "
          + "\(tensor.storage.count) elements of \(size)")
    }
  }
}

/// The zip format (since PyTorch 1.6): one entry for the pickle, one for each storage.
struct TorchArchive: TorchContainer {
  let path: String
  let format = "PyTorch"
  let root: PickleValue
  private let archive: ZipFile
  private let folder: String

  /// - Throws: `CheckpointError.file`, or `.refusedObject` where the pickle wants more than tensors
  ///   and plain containers.
  init(_ archive: ZipFile) throws(CheckpointError) {
    let path = archive.path
    let pickles = archive.entries.filter { $0.name.hasSuffix("/data.pkl") }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw .malformed(path, torchFormat, "the archive has \(pickles.count) entries data.pkl")
    }
    let folder = String(pickle.name.dropLast("data.pkl".count))
    let (content, byteOrder) = try reportingFiles { () throws(FormatError) in
      let order = archive[folder + "byteorder"]
      return (
        try archive.content(of: pickle),
        try order.map { (entry) throws(FormatError) in try archive.content(of: entry) }
      )
    }
    if let byteOrder, byteOrder != Array("little".utf8) {
      throw .file(
        .unsupported(
          path: path, what: "a big-endian checkpoint", remedy: "Save it on another machine."))
    }
    root = try content.withUnsafeBufferPointer { (bytes) throws(CheckpointError) in
      try Self.load(UnsafeRawBufferPointer(bytes), of: path, "data.pkl").value
    }
    self.path = path
    self.archive = archive
    self.folder = folder
  }

  func withStorage<Result>(
    of tensor: StoredTensor, name: String,
    _ body: (UnsafeRawBufferPointer, _ owner: MappedFile?) -> Result
  ) throws(CheckpointError) -> Result {
    let entry = archive[folder + "data/" + tensor.key]
    try require(entry?.size, bytesFor: tensor, name: name)
    guard let entry else { preconditionFailure("storage '\(tensor.key)' without an entry") }
    return try reportingFiles { () throws(FormatError) in
      guard let mapped = try archive.mapped(entry) else {
        return try archive.withContent(of: entry) { body($0, nil) }
      }
      return mapped.file.withBytes(in: mapped.range) { body($0, mapped.file) }
    }
  }
}

/// The format before PyTorch 1.6: five pickles in a row, then each storage's length and elements.
///
/// The pickles are a mark, a version, facts about the machine, the content, and the keys of the
/// storages in the order in which they follow.
struct TorchStream: TorchContainer {
  let path: String
  let format = "PyTorch before 1.6"
  let root: PickleValue
  private let file: MappedFile
  /// Bytes of each storage's elements, by key.
  private let ranges: [String: Range<Int>]

  /// The integer 0x1950A86A20F9469CFC6C, which is longer than 64 bits, and the end of its pickle.
  private static let mark: [UInt8] = [
    0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]
  private static let version = 1001

  /// Whether a file that begins with these bytes, 24 or more of them, is of this format.
  static func fits(_ start: [UInt8]) -> Bool { markEnd(start) != nil }

  /// Position behind the first pickle: protocol, perhaps a frame, mark.
  private static func markEnd(_ start: [UInt8]) -> Int? {
    guard start.count > 2, start[0] == 0x80 else { return nil }
    let position = start[2] == 0x95 ? 11 : 2
    return start.dropFirst(position).starts(with: mark) ? position + mark.count : nil
  }

  /// - Throws: `CheckpointError.file`, or `.refusedObject` where a pickle wants more than tensors and
  ///   plain containers.
  init(_ file: MappedFile) throws(CheckpointError) {
    path = file.path
    self.file = file
    (root, ranges) = try file.withBytes(in: 0..<file.bytes.count) {
      (bytes) throws(CheckpointError) in try Self.read(bytes, path: file.path)
    }
  }

  private static func read(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(CheckpointError) -> (PickleValue, [String: Range<Int>]) {
    func malformed(_ reason: String) -> CheckpointError { .malformed(path, torchFormat, reason) }
    guard let start = markEnd(Array(bytes.prefix(mark.count + 11))) else {
      throw malformed("it does not begin with PyTorch's mark")
    }
    let version = try load(bytes, from: start, of: path, "version")
    guard version.value == .integer(Self.version) else {
      throw .file(
        .unsupported(
          path: path, what: "a file of an unknown version of torch.save",
          remedy: "Load it in PyTorch and save it again."))
    }
    let machine = try load(bytes, from: version.end, of: path, "facts about the machine")
    if machine.value["little_endian"] == .bool(false) {
      throw .file(
        .unsupported(
          path: path, what: "a big-endian checkpoint", remedy: "Save it on another machine."))
    }
    let content = try load(bytes, from: machine.end, of: path, "content")
    let keys = try load(bytes, from: content.end, of: path, "keys of storages")
    guard case .list(let listed) = keys.value else {
      throw malformed("the keys of storages are no list")
    }
    var ranges: [String: Range<Int>] = [:]
    var position = keys.end
    for key in listed {
      guard let key = key.text, let storage = content.storages[key] else {
        throw malformed("a storage is listed that no tensor refers to")
      }
      guard bytes.count - position >= 8 else { throw malformed("it ends before storage '\(key)'") }
      let count = Int64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int64.self))
      let size = storage.type.bitCount / 8
      guard count == storage.count, storage.count <= (bytes.count - position - 8) / size else {
        throw malformed(
          "storage '\(key)' has \(count) elements and \(bytes.count - position - 8) bytes are "
            + "left, expected \(storage.count) elements of \(size)")
      }
      position += 8
      guard ranges[key] == nil else { throw malformed("storage '\(key)' occurs twice") }
      ranges[key] = position..<(position + storage.count * size)
      position += storage.count * size
    }
    return (content.value, ranges)
  }

  func withStorage<Result>(
    of tensor: StoredTensor, name: String,
    _ body: (UnsafeRawBufferPointer, _ owner: MappedFile?) -> Result
  ) throws(CheckpointError) -> Result {
    let range = ranges[tensor.key]
    try require(range?.count, bytesFor: tensor, name: name)
    return file.withBytes(in: range ?? 0..<0) { body($0, file) }
  }
}
