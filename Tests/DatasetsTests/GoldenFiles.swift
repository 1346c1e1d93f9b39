import Foundation
import Tensors
import Testing

/// What reference libraries give, written by the scripts in `Golden`.
enum GoldenFiles {
  /// A file of the folder `Golden`.
  static func stored<Content: Decodable>(_ name: String, as type: Content.Type) throws -> Content {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Golden/\(name)")
    return try JSONDecoder().decode(type, from: Data(contentsOf: path))
  }

  /// float32 values in little endian, in base64.
  static func floats(_ text: String) throws -> [Float] {
    let data = try #require(Data(base64Encoded: text))
    return stride(from: 0, to: data.count, by: 4).map { place in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(data[place + $1]) << (8 * $1) })
    }
  }
}

/// The largest difference of two lists of numbers; infinite where one is NaN alone.
func largestDifference(_ first: [Float], _ second: [Float]) -> Float {
  guard first.count == second.count else { return .infinity }
  return zip(first, second).reduce(0) { largest, pair in
    if pair.0.isNaN && pair.1.isNaN { return largest }
    let difference = abs(pair.0 - pair.1)
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}
