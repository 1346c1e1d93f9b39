internal import Foundation
package import Recipes
package import Tensors

/// Turns images around their middle by an angle, keeping their size.
///
/// The value of a pixel is that of the image at the place it comes from. Inputs are interpolated
/// between four pixels, with `fill` outside, classes taken from the nearest pixel; classes outside are
/// ignored and numbers outside unknown. As torchvision's `rotate`, a positive angle turns
/// counterclockwise. M3LEO's `FineRotation` is `{degrees: 10, fixed: true, probability: 0.5,
/// interpolation: nearest}`.
package struct Rotate: Transform {
  package static let name = "rotate"
  package static let summary = "turns images by a random angle"
  package static let options: OptionTable = [
    Option(
      "degrees", .either([.number, .list(.number, count: 2...2)]), default: .required,
      range: .within(-360...360), unit: "degrees",
      "uniform from -degrees to degrees, or [lowest, highest]"),
    Option("fixed", .boolean, default: false, "one of the two ends, nothing between"),
    .probability(1),
    Option(
      "interpolation", .oneOf([ResizeFilter.bilinear, .nearest].map(\.rawValue)),
      default: "bilinear", "of inputs"),
    .fill,
  ]
  package static let effect = TransformEffect.places

  private let degrees: ClosedRange<Double>
  private let isFixed: Bool
  private let probability: Double
  private let filter: ResizeFilter
  private let fill: Float

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    if let number = options.optionalNumber("degrees") {
      degrees = -abs(number)...abs(number)
    } else {
      let ends = options.numbers("degrees")
      let isRange = ends.count == 2 && ends[0] <= ends[1]
      degrees = isRange ? ends[0]...ends[1] : 0...0
      if options.isGiven("degrees"), !isRange {
        diagnostics.error(
          .rule("degrees is no range", mend: "give [lowest, highest]"), at: options.location,
          path: "\(options.path).degrees")
      }
    }
    isFixed = options.bool("fixed")
    probability = options.number("probability")
    filter = options.choice("interpolation", as: ResizeFilter.self)
    fill = Float(options.number("fill"))
  }

  package func callAsFunction(
    _ sample: ImageSample, _ random: inout Philox
  ) throws(DataError) -> ImageSample {
    let (isTurned, draw) = (random.uniform() < probability, random.uniform())
    guard isTurned else { return sample }
    let (low, high) = (degrees.lowerBound, degrees.upperBound)
    let angle = isFixed ? (draw < 0.5 ? low : high) : low + draw * (high - low)
    return Self.rotated(sample, by: angle, filter, fill: fill)
  }

  /// All images turned by an angle in degrees.
  static func rotated(
    _ sample: ImageSample, by angle: Double, _ filter: ResizeFilter, fill: Float
  ) -> ImageSample {
    var sample = sample.mappedInputs { $0.rotated(by: angle, filter, outside: fill) }
    sample.target = sample.target?.rotated(
      by: angle, sample.meaning.filter(filter), outside: sample.meaning.outside(fill: fill))
    return sample
  }
}

extension Tensor {
  /// f32 `[channel, row, column]` turned counterclockwise around its middle.
  ///
  /// With `outside` NaN unknown pixels drop out of the interpolation, and a value is known where known
  /// pixels have at least half of the weight.
  fileprivate func rotated(by angle: Double, _ filter: ResizeFilter, outside: Float) -> Tensor {
    let (height, width) = (shape[1], shape[2])
    let (sine, cosine) = (sin(angle * .pi / 180), cos(angle * .pi / 180))
    let (middleRow, middleColumn) = (Double(height - 1) / 2, Double(width - 1) / 2)
    let result = Tensor(uninitialized: shape)
    withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        func value(_ plane: Int, _ row: Int, _ column: Int) -> Float {
          row >= 0 && row < height && column >= 0 && column < width
            ? source[plane &+ row &* width &+ column] : outside
        }
        for row in 0..<height {
          let y = Double(row) - middleRow
          for column in 0..<width {
            let x = Double(column) - middleColumn
            let fromColumn = cosine * x - sine * y + middleColumn
            let fromRow = sine * x + cosine * y + middleRow
            let place = row * width + column
            guard filter == .bilinear else {
              let nearest = (
                Int(fromRow.rounded(.toNearestOrEven)), Int(fromColumn.rounded(.toNearestOrEven))
              )
              for channel in 0..<shape[0] {
                let plane = channel &* height &* width
                target[plane &+ place] = value(plane, nearest.0, nearest.1)
              }
              continue
            }
            let (top, left) = (fromRow.rounded(.down), fromColumn.rounded(.down))
            let (down, right) = (Float(fromRow - top), Float(fromColumn - left))
            let weights = (
              (1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right
            )
            let (i, j) = (Int(top), Int(left))
            for channel in 0..<shape[0] {
              let plane = channel &* height &* width
              let values = (
                value(plane, i, j), value(plane, i, j + 1), value(plane, i + 1, j),
                value(plane, i + 1, j + 1)
              )
              let sum =
                weights.0 * values.0 + weights.1 * values.1 + weights.2 * values.2
                + weights.3 * values.3
              target[plane &+ place] = sum.isNaN ? Self.known(values, weights) : sum
            }
          }
        }
      }
    }
    return result
  }

  private typealias Four = (Float, Float, Float, Float)

  /// Weighted mean of the known ones of four values; NaN below half of the weight.
  private static func known(_ values: Four, _ weights: Four) -> Float {
    var (sum, share): (Float, Float) = (0, 0)
    for (value, weight) in [
      (values.0, weights.0), (values.1, weights.1), (values.2, weights.2), (values.3, weights.3),
    ] where !value.isNaN {
      sum += weight * value
      share += weight
    }
    return share >= 0.5 ? sum / share : .nan
  }
}
