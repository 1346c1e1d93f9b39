/// Count, mean and sum of squared deviations of a stream of values, in double precision.
///
/// Pieces are summed in two passes and joined by the formula of Chan, Golub and LeVeque (1983), so
/// the order of pieces fixes the result to the last bit.
package struct Moments: Sendable, Equatable {
  package private(set) var count = 0
  package private(set) var mean = 0.0
  private var squares = 0.0
  package private(set) var minimum = Float.infinity
  package private(set) var maximum = -Float.infinity

  package init() {}

  /// Population variance: divided by the count.
  package var variance: Double { count > 0 ? squares / Double(count) : 0 }
  package var standardDeviation: Double { variance.squareRoot() }

  /// Takes in one piece.
  package mutating func add(_ values: UnsafeBufferPointer<Float>) {
    guard !values.isEmpty else { return }
    var piece = Moments()
    var sum = 0.0
    for value in values {
      sum += Double(value)
      piece.minimum = min(piece.minimum, value)
      piece.maximum = max(piece.maximum, value)
    }
    piece.count = values.count
    piece.mean = sum / Double(values.count)
    for value in values {
      let deviation = Double(value) - piece.mean
      piece.squares += deviation * deviation
    }
    join(piece)
  }

  /// Takes in what another stream has seen.
  package mutating func join(_ other: Moments) {
    guard other.count > 0 else { return }
    let total = Double(count + other.count)
    let difference = other.mean - mean
    squares +=
      other.squares + difference * difference * Double(count) * Double(other.count) / total
    mean += difference * Double(other.count) / total
    count += other.count
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
  }
}
