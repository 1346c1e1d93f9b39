import Formats
import Foundation
import Tensors

/// Computes channels from the layers of one chip.
struct ChannelReader: Sendable {
  struct Channel: Sendable {
    let name: String
    /// Numbers of a layer, and of one that is subtracted from it; the channel is the mean over terms.
    let terms: [(layer: Int, subtracted: Int?)]
  }

  let source: PixelFile
  let channels: [Channel]
  /// What stands for missing values in the source.
  let marker: Float?
  /// A value that is read as 0.
  let zeroed: Float?
  /// Lower and upper, in percent.
  let percentiles: [Double]?

  /// Values of some channels in a window, `[channel, row, column]`, NaN where they are missing.
  func read(_ numbers: [Int], in window: RasterFile.Window) throws -> [Float] {
    guard let percentiles else { return try values(numbers, in: window) }
    // Percentiles are those of the whole chip, whatever part of it is read.
    let whole = RasterFile.Window(column: 0, row: 0, width: source.width, height: source.height)
    let all = try values(numbers, in: whole)
    let size = source.width * source.height
    var part: [Float] = []
    part.reserveCapacity(numbers.count * window.width * window.height)
    for (place, number) in numbers.enumerated() {
      let channel = all[(place * size)..<((place + 1) * size)]
      let sorted = channel.filter { !$0.isNaN }.sorted()
      let bounds = percentiles.map { Self.percentile($0, of: sorted) }
      if !sorted.isEmpty, bounds[0] == bounds[1] {
        throw M3LEOError.percentilesEqual(
          path: source.path, channel: channels[number].name, value: bounds[0])
      }
      for row in window.row..<(window.row + window.height) {
        let start = channel.startIndex + row * source.width + window.column
        for value in channel[start..<(start + window.width)] {
          part.append(Float((Double(value) - bounds[0]) / (bounds[1] - bounds[0])))
        }
      }
    }
    return part
  }

  /// The value below which this share of sorted values lies, between two neighbors in proportion; NaN
  /// where there are none.
  static func percentile(_ percent: Double, of sorted: [Float]) -> Double {
    guard let last = sorted.last else { return .nan }
    let place = percent / 100 * Double(sorted.count - 1)
    let lower = Int(place)
    guard lower + 1 < sorted.count else { return Double(last) }
    let (a, b) = (Double(sorted[lower]), Double(sorted[lower + 1]))
    return a + (b - a) * (place - Double(lower))
  }

  private func values(_ numbers: [Int], in window: RasterFile.Window) throws -> [Float] {
    let terms = numbers.flatMap { channels[$0].terms }
    let layers = Set(terms.map(\.layer) + terms.compactMap(\.subtracted)).sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(layers, layers.indices))
    var stored = try source.read(bands: layers, in: window).elements(as: Float.self)
    for index in stored.indices {
      if stored[index] == marker {
        stored[index] = .nan
      } else if stored[index] == zeroed {
        stored[index] = 0
      }
    }
    let size = window.width * window.height
    func start(_ layer: Int) -> Int { (places[layer] ?? 0) * size }
    var result: [Float] = []
    result.reserveCapacity(numbers.count * size)
    for number in numbers {
      let terms = channels[number].terms.map {
        (layer: start($0.layer), subtracted: $0.subtracted.map(start))
      }
      if terms.count == 1, terms[0].subtracted == nil {
        result += stored[terms[0].layer..<(terms[0].layer + size)]
        continue
      }
      for pixel in 0..<size {
        var sum = 0.0
        var count = 0.0
        for term in terms {
          var value = stored[term.layer + pixel]
          if let subtracted = term.subtracted { value -= stored[subtracted + pixel] }
          guard !value.isNaN else { continue }
          sum += Double(value)
          count += 1
        }
        result.append(count > 0 ? Float(sum / count) : .nan)
      }
    }
    return result
  }
}
