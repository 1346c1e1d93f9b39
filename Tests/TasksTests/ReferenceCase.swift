import Foundation
import TestSupport
import Testing

import Tasks

/// A stored case of the reference implementation: float32 tensors and what the JSON says of them.
struct ReferenceCase {
  let values: [String: [Float]]
  let shapes: [String: [Int]]

  init(_ name: String) throws {
    let file = try Data(contentsOf: URL(filePath: Shared.path("fixtures/\(name).safetensors")))
    let headerLength = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let body = file.dropFirst(8 + headerLength)
    let header = try JSONSerialization.jsonObject(with: file.dropFirst(8).prefix(headerLength))
    var values: [String: [Float]] = [:]
    var shapes: [String: [Int]] = [:]
    for (key, entry) in try #require(header as? [String: [String: Any]]) {
      guard let offsets = entry["data_offsets"] as? [Int] else { continue }
      let bytes = body.dropFirst(offsets[0]).prefix(offsets[1] - offsets[0])
      values[key] = bytes.withUnsafeBytes { raw in
        stride(from: 0, to: raw.count, by: 4).map {
          Float(
            bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
          )
        }
      }
      shapes[key] = entry["shape"] as? [Int]
    }
    self.values = values
    self.shapes = shapes
  }

  func numbers(_ key: String) throws -> [Float] { try #require(values[key], "no tensor \(key)") }

  /// The trajectories of a tensor `[N, T, F, C, D, H, W]`.
  func trajectories(_ key: String) throws -> [Trajectory] {
    let shape = try #require(shapes[key])
    let size = shape.dropFirst().reduce(1, *)
    let numbers = try numbers(key)
    return (0..<shape[0]).map {
      Trajectory(Array(numbers[$0 * size..<($0 + 1) * size]), shape: Array(shape.dropFirst()))
    }
  }
}
