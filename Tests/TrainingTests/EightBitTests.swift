import Tensors
import Testing
import Training

@Suite("Numbers in 8 bits")
struct EightBitTests {
  private func roundTrip(_ values: [Float], _ code: EightBit) -> [Float] {
    let (codes, scales) = code.encoded(Tensor(values, shape: [values.count]))
    var result = [Float](repeating: .nan, count: values.count)
    result.withUnsafeMutableBufferPointer { code.decode(codes, scales, into: $0) }
    return result
  }

  @Test("zero and the largest of a block stay as they are")
  func exact() {
    let values = [0, 3, -3, 0.5] + [Float](repeating: 0.25, count: 252) + [0, 1e-30, -1e-30, 0]
    let back = roundTrip(values, .signed)
    #expect(back[0] == 0 && back[1] == 3 && back[256] == 0)
    // A block of its own, however small.
    #expect(back[257] == 1e-30)
  }

  @Test("the error is within half a step of the level's decade", arguments: [true, false])
  func error(isSigned: Bool) {
    let code: EightBit = isSigned ? .signed : .unsigned
    var values: [Float] = [1]
    for decade in 0..<6 {
      for part in 1...40 {
        let power: Float = (0..<decade).reduce(1) { value, _ in value / 10 }
        let value = Float(part) / 40 * power
        values.append(isSigned && part % 2 == 0 ? -value : value)
      }
    }
    let kept = Array(values.prefix(EightBit.blockSize))
    for (value, found) in zip(kept, roundTrip(kept, code)) {
      // 64 (or 128) steps in the first decade, half as many in each that follows.
      var (top, steps) = (Float(1), Float(isSigned ? 64 : 128))
      while abs(value) <= top / 10 { (top, steps) = (top / 10, steps / 2) }
      #expect(abs(found - value) <= top * 0.9 / steps + 1e-7, "\(value) \(found)")
    }
  }

  @Test("what is seven decades below the largest may vanish, what is five below may not")
  func range() {
    let back = roundTrip([1, 1e-5, 1e-9], .unsigned)
    #expect(back[1] > 5e-6 && back[1] < 2e-5)
    #expect(back[2] < 1e-6)
  }
}
