import Foundation
package import Tensors

/// Where the tokens of a grid lie, as the blocks are told.
package struct LESSPlace: Sendable {
  /// `[channel + 1, position + 1, width]`, added once to the grid; nil where blocks rotate instead.
  package let table: Tensor?
  /// `[1, 1, position + 1, position + 1]`, added to the scores of spatial attention.
  package private(set) var fieldBias: Tensor?
  /// Rotations of the channel branch and of the spatial branch.
  package private(set) var rotations: (channel: LESSRotation, spatial: LESSRotation)?
  private let field: PerceptionField?

  /// The whole grid of an input; `rotary` is nil where blocks do not rotate.
  init(_ configuration: LESSConfiguration, _ input: BackboneInput, rotary: LESSRotary?) {
    let wavelengths = LESSViT.inputNames.filter { input.values[$0] != nil }
      .flatMap { input.wavelengths[$0] ?? [] }
    guard let image = input.values.values.first, let resolution = input.resolution,
      wavelengths.count == input.values.values.reduce(0, { $0 + $1.shape[1] })
    else {
      preconditionFailure(
        "less-vit: \(wavelengths.count) wavelengths, resolution \(input.resolution ?? 0) for "
          + "inputs \(input.values.mapValues(\.shape))")
    }
    let side = image.shape[2] / configuration.patch
    field = configuration.attentionRadius.map {
      PerceptionField(
        side: side, patch: configuration.patch, resolution: Float(resolution), radius: $0)
    }
    fieldBias = field?.bias(of: Array(0..<(side * side)))
    rotations = rotary.map { ($0.channels(wavelengths), $0.positions(side: side)) }
    table =
      configuration.isRotary
      ? nil
      : positionTable(
        wavelengths: wavelengths.map { Float($0) }, side: side, resolution: Float(resolution),
        width: configuration.width)
  }

  /// The place of the tokens that masking keeps.
  func keeping(channels: LESSSelection, positions: LESSSelection) -> LESSPlace {
    var place = self
    place.fieldBias = field?.bias(of: positions.kept[0])
    place.rotations = rotations.map {
      ($0.channel.gathered(channels.keptIndices), $0.spatial.gathered(positions.keptIndices))
    }
    return place
  }
}

/// The fixed table of positions and wavelengths (less-vit.md, section 4), half of their sum.
///
/// - Parameters:
///   - wavelengths: of the channels, in nanometers.
///   - side: patches along each side of the square grid.
///   - resolution: meters per pixel.
///   - width: of a token, a multiple of 4.
/// - Returns: `[channel + 1, position + 1, width]`; index 0 of both axes, the class tokens, counts
///   nothing.
package func positionTable(
  wavelengths: [Float], side: Int, resolution: Float, width: Int
) -> Tensor {
  let none = [Float](repeating: 0, count: width)
  let channels = none + wavelengths.flatMap { sineCosine($0, width: width) }
  let line = (0..<side).map { sineCosine(Float($0) * resolution, width: width / 2) }
  let positions = none + line.flatMap { row in line.flatMap { column in column + row } }
  let shape = [wavelengths.count + 1, side * side + 1, width]
  let byChannel = Tensor(channels, shape: [shape[0], 1, width]).expanded(to: shape)
  return (byChannel + Tensor(positions, shape: [shape[1], width])).scaled(by: 0.5)
}

/// All sines, then all cosines of a number times falling frequencies, 10000^(−2k/width).
///
/// Frequencies are rounded to single precision at each step, so that every implementation gets the
/// same angles, which reach 5700 radians.
private func sineCosine(_ number: Float, width: Int) -> [Float] {
  let half = width / 2
  let angles = (0..<half).map { k in
    let power = Float(pow(10_000, Double(Float(k) / Float(half))))
    return Double(number * (1 / power))
  }
  return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
}

/// Which positions may attend to each other: those within a radius, and the class token always.
package struct PerceptionField: Sendable {
  /// Patches along each side of the grid.
  private let side: Int
  /// Meters.
  private let radius: Float
  private let patch: Float
  private let resolution: Float

  package init(side: Int, patch: Int, resolution: Float, radius: Double) {
    self.side = side
    self.patch = Float(patch)
    self.resolution = resolution
    self.radius = Float(radius)
  }

  private func allows(_ p: Int, _ q: Int) -> Bool {
    let (rows, columns) = (Float(p / side - q / side), Float(p % side - q % side))
    return (rows * rows + columns * columns).squareRoot() * patch * resolution <= radius
  }

  /// `[1, 1, n + 1, n + 1]` for the class token and `positions`: 0 where attention is allowed, else
  /// −∞.
  package func bias(of positions: [Int]) -> Tensor {
    let count = positions.count + 1
    var values = [Float](repeating: 0, count: count * count)
    for (row, p) in positions.enumerated() {
      for (column, q) in positions.enumerated() where !allows(p, q) {
        values[(row + 1) * count + column + 1] = -.infinity
      }
    }
    return Tensor(values, shape: [1, 1, count, count])
  }
}
