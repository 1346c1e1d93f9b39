import Foundation
import Layers
import Recipes
import Tensors

/// What the first rank tells the others before a run begins.
enum RankStart: Codable {
  /// A checkpoint to go on from, if any, and the ranks whose batches the run has.
  case run(checkpoint: String?, ranks: Int)
  /// There is nothing to run, or the first rank has said why not.
  case nothing
}

/// What ended a run on ranks that have nothing to say about it themselves.
struct RankRefusal: ExitCoded, CustomStringConvertible {
  let exitCode: ExitCode
  let description: String
}

extension Communicator {
  /// Does on every rank what may be refused; if any rank refuses, all do, and the first tells why.
  func agreed<Value>(_ body: () throws -> Value) throws -> Value {
    guard count > 1 else { return try body() }
    let own = Result { try body() }
    var writer = ByteWriter()
    if case .failure(let error) = own {
      writer.append((programExitCode(of: error) ?? .internalError).rawValue)
      writer.append("\(error)")
    }
    let all = try gather(writer.bytes)
    guard let failed = all.firstIndex(where: { !$0.isEmpty }) else { return try own.get() }
    var reader = ByteReader(all[failed])
    let code = ExitCode(rawValue: reader.value(Int32.self)) ?? .internalError
    let text = reader.text()
    throw RankRefusal(
      exitCode: code, description: failed == 0 ? text : "rank \(failed): \(text)")
  }

  /// A value of the first rank, on all of them.
  func shared<Value: Codable>(_ value: Value?) throws -> Value {
    let bytes = try value.map { try JSONEncoder().encode($0) }.map { Array($0) } ?? []
    return try JSONDecoder().decode(Value.self, from: Data(try gather(isFirst ? bytes : [])[0]))
  }

  /// Refuses ranks that do not see the same recipe, data and weights.
  func requireSame(_ digest: String) throws {
    guard count > 1 else { return }
    let all = try gather(Array(digest.utf8)).map { String(decoding: $0, as: UTF8.self) }
    guard let other = all.firstIndex(where: { $0 != all[0] }) else { return }
    throw RankRefusal(
      exitCode: .malformedData,
      description:
        "rank \(other) sees another recipe, other data or other weights than rank 0 (digest "
        + "\(all[other].prefix(16)), expected \(all[0].prefix(16))). All ranks must read the same "
        + "files")
  }

  /// Gives all ranks the first one's values where any of them differ: machines may round differently.
  func equalize(_ parameters: [Parameter]) throws {
    guard count > 1 else { return }
    let digest = parameterDigest(parameters)
    let all = try gather(Array(digest.utf8))
    guard all.contains(where: { $0 != all[0] }) else { return }
    for parameter in parameters {
      let value = parameter.value
      let bytes = [UInt8](UnsafeRawBufferPointer(start: value.pointer, count: value.byteCount))
      let first = try gather(isFirst ? bytes : [])[0]
      first.withUnsafeBytes { first in
        guard let base = first.baseAddress else { return }
        UnsafeMutableRawPointer(mutating: value.pointer).copyMemory(
          from: base, byteCount: value.byteCount)
      }
    }
  }
}

/// SHA-256 over paths and values.
func parameterDigest(_ parameters: [Parameter]) -> String {
  SHA256Digest.of(
    parameters.map { parameter in
      let value = parameter.value
      let bytes = Data(bytes: value.pointer, count: value.byteCount)
      return "\(parameter.path) \(SHA256Digest.of(bytes))"
    }.joined(separator: "\n"))
}
