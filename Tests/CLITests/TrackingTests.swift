import Foundation
import TestSupport
import Testing

/// The logs beside a run's own.
@Suite("Tracking")
struct TrackingTests {
  @Test("the event file holds every step and evaluation in checked records")
  func events() async throws {
    let small = try await SmallRun()
    let events = try Event.all(in: try await small.train() + "/tb")
    #expect(events.first?.version == "brain.Event:2")
    func steps(of tag: String) -> [Int] {
      events.filter { $0.scalars[tag] != nil }.map(\.step)
    }
    #expect(steps(of: "train/loss") == [1, 2, 3, 4, 5, 6])
    #expect(steps(of: "train/lr") == [1, 2, 3, 4, 5, 6])
    #expect(steps(of: "val/VRMSE") == [3, 6])
    #expect(events.contains { $0.scalars["train/lr"] == 1e-3 })
  }

  @Test("a resumed run goes on in its event file, each step once")
  func resumed() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    let whole = try Event.all(in: run + "/tb").map(\.scalars)
    try setBack(run)
    #expect(try await small.train() == run)
    let resumed = try Event.all(in: run + "/tb")
    #expect(resumed.map(\.scalars) == whole)
    #expect(try FileManager.default.contentsOfDirectory(atPath: run + "/tb").count == 1)
  }

  @Test("an MLflow store holds parameters, state and every value, also of a resumed run")
  func mlflow() async throws {
    let small = try await SmallRun()
    try small.folder.write(SmallRun.recipe + "\ntracking: {mlflow: true}\n", to: "recipe.yaml")
    let run = try await small.train()
    let store = small.folder.path("out/mlruns")
    let experiments = try FileManager.default.contentsOfDirectory(atPath: store)
    let experiment = store + "/" + (try #require(experiments.first))
    #expect(experiments.count == 1)
    #expect(try text(experiment + "/meta.yaml").contains("name: \"small\"\n"))
    func only() throws -> String {
      let names = try FileManager.default.contentsOfDirectory(atPath: experiment)
        .filter { $0 != "meta.yaml" }
      #expect(names.count == 1)
      return experiment + "/" + (try #require(names.first))
    }
    let folder = try only()
    #expect(try text(folder + "/meta.yaml").contains("\nstatus: 3\n"))
    #expect(try text(folder + "/params/train.optimizer.lr") == "0.001")
    #expect(try text(folder + "/tags/attune.directory") == run)
    func steps(_ name: String) throws -> [Substring] {
      try text("\(folder)/metrics/\(name)").split(separator: "\n").compactMap {
        let fields = $0.split(separator: " ")
        return fields.count == 3 ? fields[2] : nil
      }
    }
    #expect(try steps("train/loss") == ["1", "2", "3", "4", "5", "6"])
    #expect(try steps("val/VRMSE") == ["3", "6"])
    #expect(try steps("test/VRMSE").count == 1)
    try setBack(run)
    try await small.train()
    #expect(try only() == folder)
    #expect(try steps("train/loss") == ["1", "2", "3", "4", "5", "6"])
    #expect(try steps("val/VRMSE") == ["3", "6"])
    #expect(try steps("test/VRMSE").count == 1)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test("logs that are off are not written, and the report stands without them")
  func off() async throws {
    let small = try await SmallRun()
    try small.folder.write(
      SmallRun.recipe + "\ntracking: {csv: false, jsonl: false, tensorboard: false}\n",
      to: "recipe.yaml")
    let names = try FileManager.default.contentsOfDirectory(atPath: try await small.train())
    #expect(Set(names).isDisjoint(with: ["metrics.csv", "metrics.jsonl", "tb"]))
    #expect(names.contains("report"))
  }

  @Test("a table alone keeps its rows when the run is resumed")
  func tableAlone() async throws {
    let small = try await SmallRun()
    try small.folder.write(SmallRun.recipe + "\ntracking: {jsonl: false}\n", to: "recipe.yaml")
    let run = try await small.train()
    try setBack(run)
    try await small.train()
    let rows = try String(contentsOfFile: run + "/metrics.csv", encoding: .utf8)
      .split(separator: "\n").map { String($0.prefix { $0 != "," }) }
    #expect(rows == ["step", "3", "6"])
  }

  /// Makes a finished run one that was stopped at step 3.
  private func setBack(_ run: String) throws {
    let status = try String(contentsOfFile: run + "/status.json", encoding: .utf8)
    try status.replacing("\"finished\"", with: "\"stopped\"")
      .write(toFile: run + "/status.json", atomically: true, encoding: .utf8)
    try FileManager.default.removeItem(atPath: run + "/checkpoints/step_00000006")
  }
}

/// One record of an event file, read back by the published format.
private struct Event {
  var step = 0
  var version: String?
  var scalars: [String: Float] = [:]

  static func all(in folder: String) throws -> [Event] {
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder)
        .first { $0.hasPrefix("events.out.tfevents.") })
    var rest = [UInt8](try Data(contentsOf: URL(filePath: folder + "/" + name)))[...]
    var events: [Event] = []
    while !rest.isEmpty {
      try #require(rest.count >= 16)
      let length = rest.prefix(8)
      let size = Int(number(length))
      #expect(UInt32(number(rest.dropFirst(8).prefix(4))) == masked(length))
      let payload = rest.dropFirst(12).prefix(size)
      #expect(UInt32(number(rest.dropFirst(12 + size).prefix(4))) == masked(payload))
      events.append(try Event(payload))
      rest = rest.dropFirst(16 + size)
    }
    return events
  }

  private init(_ payload: ArraySlice<UInt8>) throws {
    for (field, content) in try Self.fields(payload) {
      switch field {
      case 2: step = Int(Self.number(content))
      case 3: version = String(decoding: content, as: UTF8.self)
      case 5:
        for (_, value) in try Self.fields(content) {
          let parts = Dictionary(uniqueKeysWithValues: try Self.fields(value))
          let tag = String(decoding: try #require(parts[1]), as: UTF8.self)
          let bits = UInt32(Self.number(try #require(parts[2])))
          scalars[tag] = Float(bitPattern: bits)
        }
      default: break
      }
    }
  }

  /// Number and content of each field of a message; a varint as eight bytes.
  private static func fields(
    _ message: ArraySlice<UInt8>
  ) throws -> [(Int, ArraySlice<UInt8>)] {
    var rest = message
    var fields: [(Int, ArraySlice<UInt8>)] = []
    func varint() throws -> UInt64 {
      var (value, shift): (UInt64, UInt64) = (0, 0)
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      throw CocoaError(.coderInvalidValue)
    }
    while !rest.isEmpty {
      let key = try varint()
      let count: Int
      switch key & 7 {
      case 0:
        let value = try varint()
        fields.append(
          (Int(key >> 3), (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }[...]))
        continue
      case 1: count = 8
      case 5: count = 4
      default: count = Int(try varint())
      }
      fields.append((Int(key >> 3), rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return fields
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// CRC-32C bit by bit, masked.
  private static func masked(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }
    crc = ~crc
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
