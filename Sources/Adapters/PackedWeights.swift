import Foundation
package import Tensors

/// The packed file of 1-bit adapters: `adapter.bin` of JieShibo/PETL-ViT (binary_adapter).
///
/// For each quantized weight in the order of modules: its codes, 8 / bits to a byte with the first in
/// the lowest bits and the last byte filled with zeros (the reference leaves out a byte that is not
/// full); then μ and s, f32 little-endian. Behind all weights the task's head, f32 little-endian. The
/// order and the shapes are not in the file.
package struct PackedWeights: Sendable {
  package let weights: [QuantizedWeight]
  /// Weight and bias of the head, as the caller orders them.
  package let head: [Tensor]
  package let bits: Int

  package init(_ weights: [QuantizedWeight], head: [Tensor], bits: Int) {
    self.weights = weights
    self.head = head
    self.bits = bits
  }

  /// The file's bytes.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    func append(_ value: Float) {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    let perByte = 8 / bits
    for weight in weights {
      for start in stride(from: 0, to: weight.codes.count, by: perByte) {
        let codes = weight.codes[start..<min(start + perByte, weight.codes.count)]
        bytes.append(
          codes.enumerated().reduce(0) { $0 | UInt8($1.element) << UInt8($1.offset * bits) })
      }
      append(Float(weight.mean))
      append(Float(weight.deviation))
    }
    for tensor in head { tensor.elements(as: Float.self).forEach(append) }
    return bytes
  }

  /// Reads a file of weights and a head of known shapes.
  ///
  /// - Throws: `AdapterError.malformed` for another number of bytes, and for values that are not
  ///   finite.
  package init(
    _ bytes: [UInt8], shapes: [[Int]], head shapesOfHead: [[Int]], bits: Int, path: String
  ) throws(AdapterError) {
    let perByte = 8 / bits
    func count(_ shape: [Int]) -> Int { shape.reduce(1, *) }
    let expected =
      shapes.reduce(0) { $0 + (count($1) + perByte - 1) / perByte + 8 }
      + shapesOfHead.reduce(0) { $0 + 4 * count($1) }
    guard bytes.count == expected else {
      throw .malformed(
        path: path,
        reason: "it has \(bytes.count) bytes, expected \(expected) for these weights in \(bits) "
          + "bits. Check bits, the width h and the number of classes")
    }
    var place = 0
    func number() -> Float {
      let pattern = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
      place += 4
      return Float(bitPattern: pattern)
    }
    var (weights, head, isFinite) = ([QuantizedWeight](), [Tensor](), true)
    for shape in shapes {
      let mask = UInt8((1 << bits) - 1)
      let codes = (0..<count(shape)).map { index in
        Int(bytes[place + index / perByte] >> UInt8(index % perByte * bits) & mask)
      }
      place += (count(shape) + perByte - 1) / perByte
      let (mean, deviation) = (number(), number())
      isFinite = isFinite && mean.isFinite && deviation.isFinite
      weights.append(
        QuantizedWeight(
          codes: codes, mean: Double(mean), deviation: Double(deviation), shape: shape))
    }
    for shape in shapesOfHead {
      let values = (0..<count(shape)).map { _ in number() }
      isFinite = isFinite && values.allSatisfy(\.isFinite)
      head.append(Tensor(values, shape: shape))
    }
    guard isFinite else {
      throw .malformed(path: path, reason: "it holds NaN or infinite values")
    }
    self.init(weights, head: head, bits: bits)
  }
}
