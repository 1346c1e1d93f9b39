import Foundation
package import Layers
package import Tensors

/// Where the tokens of a grid lie, as the blocks are told.
package struct LESSPlace: Sendable {
  /// What is added to every row and to every column of the grid, half of the sum's terms:
  /// `[channel + 1, width]` and `[position + 1, width]`, or the same for each sample; nil where blocks
  /// rotate instead.
  private var tables: (channels: Tensor, positions: Tensor)?
  /// `[1, 1, position + 1, position + 1]`, added to the scores of spatial attention.
  package private(set) var fieldBias: Tensor?
  /// Rotations of the channel branch and of the spatial branch.
  package private(set) var rotations: (channel: LESSRotation, spatial: LESSRotation)?
  private let field: PerceptionField?
  /// Where the positions of a channel lie; nil where masking left some out.
  package private(set) var tokens: TokenLayout?

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
    tokens = TokenLayout(prefix: 1, grid: [side, side])
    field = configuration.attentionRadius.map {
      PerceptionField(
        side: side, patch: configuration.patch, resolution: Float(resolution), radius: $0)
    }
    fieldBias = field?.bias(of: Array(0..<(side * side)))
    rotations = rotary.map { ($0.channels(wavelengths), $0.positions(side: side)) }
    guard !configuration.isRotary else { return }
    tables = (
      channelTable(wavelengths.map { Float($0) }, width: configuration.width),
      positionTable(side: side, resolution: Float(resolution), width: configuration.width)
    )
  }

  /// What is added once to the grid, `[channel + 1, position + 1, width]` or the same for each sample
  /// (less-vit.md, section 4).
  package var table: Tensor? {
    guard let tables else { return nil }
    let (channels, positions) = (tables.channels, tables.positions)
    let batch = [channels, positions].first { $0.rank == 3 }.map { [$0.shape[0]] } ?? []
    let rows = channels.shape[channels.rank - 2]
    let (columns, width) = (
      positions.shape[positions.rank - 2], positions.shape[positions.rank - 1]
    )
    let shape = batch + [rows, columns, width]
    let first = channels.rank == 3 ? batch : batch.map { _ in 1 }
    let byRow = channels.reshaped(to: first + [rows, 1, width]).expanded(to: shape)
    guard positions.rank == 3 else { return byRow + positions }
    return byRow + positions.reshaped(to: batch + [1, columns, width]).expanded(to: shape)
  }

  /// The place of the tokens that masking keeps.
  func keeping(channels: LESSSelection, positions: LESSSelection) -> LESSPlace {
    var place = self
    place.tokens = nil
    place.fieldBias = field?.bias(of: positions.kept[0])
    place.rotations = rotations.map {
      (channels.chosen(from: $0.channel), positions.chosen(from: $0.spatial))
    }
    place.tables = tables.map {
      (channels.chosen(from: $0.channels), positions.chosen(from: $0.positions))
    }
    return place
  }
}

/// Half of what each wavelength in nanometers adds to its channel's tokens, `[channel + 1, width]`;
/// nothing for the class tokens, 0.
private func channelTable(_ wavelengths: [Float], width: Int) -> Tensor {
  let rows = wavelengths.flatMap { sineCosine($0, width: width) }
  return Tensor(
    [Float](repeating: 0, count: width) + rows, shape: [wavelengths.count + 1, width]
  ).scaled(by: 0.5)
}

/// Half of what a position adds to its tokens, column before row, `[position + 1, width]`; nothing
/// for the class tokens, 0.
///
/// The patch's number counts by meters per pixel, as in the reference, not by the patch's size.
private func positionTable(side: Int, resolution: Float, width: Int) -> Tensor {
  let line = (0..<side).map { sineCosine(Float($0) * resolution, width: width / 2) }
  let rows = line.flatMap { row in line.flatMap { column in column + row } }
  return Tensor(
    [Float](repeating: 0, count: width) + rows, shape: [side * side + 1, width]
  ).scaled(by: 0.5)
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
