import Foundation
import Formats
import Recipes

/// Appends scalars to a TensorBoard event file, and cuts the file back on resume.
///
/// A record is the length of its payload (u64), the masked CRC-32C of these eight bytes, the payload,
/// and the masked CRC-32C of the payload, all little endian. A payload is a protobuf `Event`.
final class TensorBoardLog {
  private let file: FileHandle

  /// Opens the event file of a folder, or begins one.
  ///
  /// Records later than `step`, from which training goes on, are removed.
  init(folder: String, host: String, resumingAt step: Int) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FormatError.cannotCreate(path: folder, reason: error.localizedDescription)
    }
    let old = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasPrefix(Self.prefix) }.sorted()
    let path: String
    let content: Data
    if step > 0, let name = old.last {
      path = folder + "/" + name
      let bytes = try Data(contentsOf: URL(filePath: path))
      content = bytes.prefix(Self.length(of: bytes, upTo: step))
    } else {
      let now = Date().timeIntervalSince1970
      for name in old { try FileManager.default.removeItem(atPath: folder + "/" + name) }
      path = "\(folder)/\(Self.prefix)\(Int(now)).\(host)"
      content = Self.record(Self.event(at: now, version: "brain.Event:2"))
    }
    try writeAtomically(content, to: path)
    file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.seekToEnd()
  }

  deinit { try? file.close() }

  func append(_ event: StepEvent) throws {
    try append(
      [
        ("train/loss", event.loss), ("train/lr", event.learningRate),
        ("train/grad_norm", event.gradientNorm),
      ], step: event.step)
  }

  /// The training loss is left out, since each step has written its own.
  func append(_ event: MetricsEvent) throws {
    let metrics = event.metrics.filter { $0.key != "train/loss" }.sorted { $0.key < $1.key }
    try append(metrics.map { ($0.key, $0.value) }, step: event.step)
  }

  private func append(_ scalars: [(tag: String, value: Double)], step: Int) throws {
    let payload = Self.event(at: Date().timeIntervalSince1970, step: step, scalars)
    try file.write(contentsOf: Self.record(payload))
  }

  private static let prefix = "events.out.tfevents."

  // MARK: Records

  private static func record(_ payload: Data) -> Data {
    let length = Data(littleEndian: UInt64(payload.count))
    return length + Data(littleEndian: maskedCRC32C(length)) + payload
      + Data(littleEndian: maskedCRC32C(payload))
  }

  /// Bytes of the leading records that are whole and of no later step.
  private static func length(of content: Data, upTo step: Int) -> Int {
    var kept = 0
    while kept + 12 <= content.count {
      let size = content[(content.startIndex + kept)...].prefix(8).reversed()
        .reduce(0) { $0 << 8 | UInt64($1) }
      guard let size = Int(exactly: size), size <= content.count - kept - 16 else { break }
      let start = content.startIndex + kept + 12
      guard stepOfEvent(content[start..<start + size]) <= step else { break }
      kept += size + 16
    }
    return kept
  }

  // MARK: Protobuf

  /// Fields of `Event`: 1 time in seconds, 3 file version.
  private static func event(at time: Double, version: String) -> Data {
    var event = Data([0x09])
    event.append(Data(littleEndian: time.bitPattern))
    event.append(field(3, Data(version.utf8)))
    return event
  }

  /// Fields of `Event`: 1 time in seconds, 2 step, 5 summary; of `Summary`: 1 value; of `Value`: 1
  /// tag, 2 number.
  private static func event(
    at time: Double, step: Int, _ scalars: [(tag: String, value: Double)]
  ) -> Data {
    var event = Data([0x09])
    event.append(Data(littleEndian: time.bitPattern))
    event.append(0x10)
    event.append(varint(step))
    var summary = Data()
    for scalar in scalars {
      var value = field(1, Data(scalar.tag.utf8))
      value.append(0x15)
      value.append(Data(littleEndian: Float(scalar.value).bitPattern))
      summary.append(field(1, value))
    }
    event.append(field(5, summary))
    return event
  }

  /// The step that stands behind the time of an event of ours; 0 in the first record.
  private static func stepOfEvent(_ payload: Data) -> Int {
    let rest = payload.dropFirst(9)
    guard rest.first == 0x10 else { return 0 }
    var step = 0
    for (place, byte) in rest.dropFirst().prefix(9).enumerated() {
      step |= Int(byte & 0x7F) << (7 * place)
      if byte < 0x80 { break }
    }
    return step
  }

  private static func field(_ number: UInt8, _ content: Data) -> Data {
    Data([number << 3 | 2]) + varint(content.count) + content
  }

  private static func varint(_ value: Int) -> Data {
    var bytes = Data()
    var rest = UInt64(value)
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    return bytes
  }
}

/// CRC-32C, rotated right by 15 and shifted, as record files store it.
func maskedCRC32C(_ data: Data) -> UInt32 {
  let crc = ~data.reduce(UInt32.max) { crcTable[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
}

/// CRC-32C (Castagnoli) of each byte, reflected.
private let crcTable: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
}

extension Data {
  fileprivate init(littleEndian value: some FixedWidthInteger) {
    self = Swift.withUnsafeBytes(of: value.littleEndian) { Data($0) }
  }
}
