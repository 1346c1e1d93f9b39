import Testing

import Formats

@Suite("LZF") struct LZFTests {
  private func decode(_ stream: [UInt8], capacity: Int) -> [UInt8]? {
    var target = [UInt8](repeating: 0, count: capacity)
    let written = stream.withUnsafeBytes { source in
      target.withUnsafeMutableBytes { LZF.decode(source, into: $0) }
    }
    return written.map { Array(target.prefix($0)) }
  }

  @Test("copies literals, near and overlapping repeats") func decodes() {
    #expect(decode([2, 1, 2, 3], capacity: 3) == [1, 2, 3])
    // Length 1 + 2 from 3 back.
    #expect(decode([2, 1, 2, 3, 0x20, 2], capacity: 6) == [1, 2, 3, 1, 2, 3])
    // Length 7 + 5 + 2 from 1 back.
    #expect(decode([0, 9, 0xE0, 5, 0], capacity: 15) == [UInt8](repeating: 9, count: 15))
  }

  @Test(
    "refuses streams that are cut off, reach before the start or do not fit",
    arguments: [
      [3, 1, 2], [0, 1, 0x20], [0, 1, 0xE0], [0, 1, 0xE0, 4], [0, 1, 0x20, 1], [0x20, 0],
      [9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 1, 0xE0, 200, 0],
    ] as [[UInt8]])
  func refuses(stream: [UInt8]) {
    #expect(decode(stream, capacity: 8) == nil)
  }
}
