import Foundation
import TestSupport
import Testing

/// Arrays of one safetensors file of ../shared, all float32.
struct FixtureTensors {
  struct Array: Equatable {
    let shape: [Int]
    let values: [Float]
  }

  private struct Entry: Decodable {
    let shape: [Int]
    let data_offsets: [Int]
  }

  private let arrays: [String: Array]

  init(_ relativePath: String) throws {
    let data = try Data(contentsOf: URL(filePath: Shared.path(relativePath)))
    let headerSize = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: data[8..<8 + headerSize]) as? [String: Any])
    var arrays: [String: Array] = [:]
    for (name, value) in header where name != "__metadata__" {
      let entry = try JSONDecoder().decode(
        Entry.self, from: JSONSerialization.data(withJSONObject: value))
      let bytes = data[
        8 + headerSize + entry.data_offsets[0]..<8 + headerSize + entry.data_offsets[1]]
      let values = stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map { place in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * $1) })
      }
      arrays[name] = Array(shape: entry.shape, values: values)
    }
    self.arrays = arrays
  }

  subscript(_ name: String) -> Array {
    get throws { try #require(arrays[name], "no \(name) among \(arrays.keys.sorted())") }
  }
}
