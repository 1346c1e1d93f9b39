internal import Formats
package import Foundation

/// 256 colors between a few anchors, linear in sRGB.
package struct Palette {
  package struct Color: Equatable {
    package var red: UInt8
    package var green: UInt8
    package var blue: UInt8

    /// Relative luminance (WCAG 2), 0 for black and 1 for white.
    package var luminance: Double {
      func linear(_ part: UInt8) -> Double {
        let share = Double(part) / 255
        return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
  }

  package let colors: [Color]

  private init(_ anchors: [(Double, Double, Double)]) {
    colors = (0..<256).map { step in
      let place = Double(step) / 255 * Double(anchors.count - 1)
      let below = min(Int(place), anchors.count - 2)
      let weight = place - Double(below)
      func mix(_ low: Double, _ high: Double) -> UInt8 {
        UInt8((low + (high - low) * weight).rounded())
      }
      let (low, high) = (anchors[below], anchors[below + 1])
      return Color(red: mix(low.0, high.0), green: mix(low.1, high.1), blue: mix(low.2, high.2))
    }
  }

  /// A PNG picture of shares from 0 to 1, row by row from the top; what is no number has the first
  /// color.
  package func picture(width: Int, height: Int, shares: [Double]) -> Data {
    let samples = shares.flatMap { share -> [UInt16] in
      let color = colors[share.isNaN ? 0 : Int((min(1, max(0, share)) * 255).rounded())]
      return [UInt16(color.red), UInt16(color.green), UInt16(color.blue)]
    }
    return PNGImage(width: width, height: height, colorModel: .rgb, bitDepth: 8, samples: samples)
      .encoded()
  }

  /// For magnitudes: from dark indigo to light yellow, lighter all the way.
  package static let sequential = Palette([
    (40, 17, 82), (52, 66, 140), (34, 116, 143), (52, 160, 117), (150, 201, 79), (250, 233, 105),
  ])

  /// For shares: from white to dark blue, darker all the way.
  package static let shades = Palette([
    (255, 255, 255), (158, 202, 225), (49, 130, 189), (8, 48, 107),
  ])

  /// For signed values: blue below, white at zero, red above.
  package static let diverging = Palette([
    (24, 74, 148), (112, 163, 210), (247, 247, 247), (231, 139, 113), (158, 22, 42),
  ])
}
