/// Numbers by which level 5 names the types of stored data.
enum MATType {
  static let int8: UInt32 = 1
  static let uint8: UInt32 = 2
  static let int32: UInt32 = 5
  static let uint32: UInt32 = 6
  static let matrix: UInt32 = 14
  static let compressed: UInt32 = 15
  static let utf8: UInt32 = 16
}

/// What a variable is to MATLAB; its numbers may be stored in a narrower type.
package enum MATClass: UInt8, Sendable, CaseIterable {
  case cell = 1
  case structure, object, character, sparse, double, single, int8, uint8, int16, uint16, int32
  case uint32, int64, uint64

  /// Whether its values are numbers in a dense array.
  package var isNumeric: Bool { rawValue >= Self.double.rawValue }
}

/// A number as level 5 stores it.
protocol MATNumber: BitwiseCopyable {
  /// The number with its bytes in the other order.
  var byteSwapped: Self { get }
  /// The nearest single-precision number.
  var float: Float { get }
  /// The same number; nil where it is not an integer, or too large.
  var integer: Int? { get }
}

extension MATNumber where Self: FixedWidthInteger {
  var float: Float { Float(self) }
  var integer: Int? { Int(exactly: self) }
}

extension Int8: MATNumber {}
extension UInt8: MATNumber {}
extension Int16: MATNumber {}
extension UInt16: MATNumber {}
extension Int32: MATNumber {}
extension UInt32: MATNumber {}
extension Int64: MATNumber {}
extension UInt64: MATNumber {}

extension Float: MATNumber {
  var byteSwapped: Float { Float(bitPattern: bitPattern.byteSwapped) }
  var float: Float { self }
  var integer: Int? { Int(exactly: self) }
}

extension Double: MATNumber {
  var byteSwapped: Double { Double(bitPattern: bitPattern.byteSwapped) }
  var float: Float { Float(self) }
  var integer: Int? { Int(exactly: self) }
}
