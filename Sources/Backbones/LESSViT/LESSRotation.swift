import Foundation
import Layers
package import Tensors

/// Rotary positions of one axis: the head's two halves turn by an angle of their own for each token.
package struct LESSRotation: Sendable {
  /// `[token, head width]` or `[batch, token, head width]`; the class token, 0, does not turn.
  package let cosine: Tensor
  package let sine: Tensor

  /// From the angles of all tokens but the class token, `[token][half the head width]` radians.
  init(angles: [[Float]]) {
    let width = 2 * (angles.first?.count ?? 0)
    func table(_ first: Float, _ function: (Double) -> Double) -> Tensor {
      let turned = angles.flatMap { row in
        let half = row.map { Float(function(Double($0))) }
        return half + half
      }
      return Tensor(
        [Float](repeating: first, count: width) + turned, shape: [angles.count + 1, width])
    }
    cosine = table(1) { cos($0) }
    sine = table(0) { sin($0) }
  }

  init(cosine: Tensor, sine: Tensor) {
    self.cosine = cosine
    self.sine = sine
  }

  /// `[batch, token, heads · head width]` with every head turned: x cos + (−w, u) sin for the halves
  /// (u, w) of a head.
  func callAsFunction(_ x: Tensor, heads: Int) -> Tensor {
    let half = x.shape[2] / heads / 2
    let halves = x.reshaped(to: [x.shape[0], x.shape[1], heads, 2, half])
    let turned = Tensor.concatenated(
      [halves.sliced(axis: 3, 1..<2).scaled(by: -1), halves.sliced(axis: 3, 0..<1)], axis: 3)
    return x * repeated(cosine, heads) + turned.reshaped(to: x.shape) * repeated(sine, heads)
  }

  /// The same angles for every head, side by side.
  private func repeated(_ table: Tensor, _ heads: Int) -> Tensor {
    let leading = Array(table.shape.dropLast())
    let width = table.shape[table.rank - 1]
    return table.reshaped(to: leading + [1, width]).expanded(to: leading + [heads, width])
      .reshaped(to: leading + [heads * width])
  }
}

/// The periods of rotary positions, stored with the model (less-vit.md, section 13.3).
struct LESSRotary: Sendable {
  private let spatialPeriods: Parameter
  private let channelPeriods: Parameter
  private let range: ClosedRange<Double>

  init(_ scope: Scope, _ configuration: LESSConfiguration) {
    func periods(_ name: String, count: Int) -> Parameter {
      let values = (0..<count).map { k in
        Float(pow(configuration.rotaryBase, Double(Float(k) / Float(count))))
      }
      return scope.buffer(name, shape: [count], .values(values))
    }
    spatialPeriods = periods("periods_hw", count: configuration.spatialHeadWidth / 4)
    channelPeriods = periods("periods_c", count: configuration.channelHeadWidth / 2)
    range = configuration.wavelengthRange
  }

  /// Rotations for channels by wavelength in nanometers, scaled by the sensor's range to −1...1.
  func channels(_ wavelengths: [Double]) -> LESSRotation {
    let periods = channelPeriods.value.elements(as: Float.self)
    let span = range.upperBound - range.lowerBound
    return LESSRotation(
      angles: wavelengths.map { wavelength in
        let scaled = Float((wavelength - range.lowerBound) / span)
        return periods.map { Self.fullTurn * (2 * scaled - 1) / $0 }
      })
  }

  /// Rotations for the positions of a square grid, whose patch centers lie within −1...1.
  func positions(side: Int) -> LESSRotation {
    let periods = spatialPeriods.value.elements(as: Float.self)
    let line = (0..<side).map { index in
      let center = 2 * ((Float(index) + 0.5) / Float(side)) - 1
      return periods.map { Self.fullTurn * center / $0 }
    }
    return LESSRotation(angles: line.flatMap { row in line.map { column in row + column } })
  }

  private static let fullTurn = Float(2 * Double.pi)
}
