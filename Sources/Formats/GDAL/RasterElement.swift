internal import CGDAL

/// Element type of a raster that is written here.
package enum RasterElementType: String, Sendable, CaseIterable {
  case uint8, uint16, float32

  package var byteCount: Int {
    switch self {
    case .uint8: 1
    case .uint16: 2
    case .float32: 4
    }
  }

  /// Whether the type holds exactly this number.
  func holds(_ value: Double) -> Bool {
    switch self {
    case .uint8: UInt8(exactly: value) != nil
    case .uint16: UInt16(exactly: value) != nil
    case .float32: !value.isFinite || Double(Float(value)).isFinite
    }
  }

  var gdalType: GDALDataType {
    switch self {
    case .uint8: GDT_Byte
    case .uint16: GDT_UInt16
    case .float32: GDT_Float32
    }
  }
}

/// A Swift type that is the element of a raster.
package protocol RasterElement: BitwiseCopyable, Sendable {
  static var rasterElementType: RasterElementType { get }
}

extension UInt8: RasterElement { package static let rasterElementType = RasterElementType.uint8 }
extension UInt16: RasterElement { package static let rasterElementType = RasterElementType.uint16 }
extension Float: RasterElement { package static let rasterElementType = RasterElementType.float32 }
