package import Recipes
package import Tensors

/// Bright streaks of one direction, the same in all channels: x + intensity · s.
///
/// The layer s holds lines (`LineKernel`) at uniform places, each of a brightness uniform between 1/2
/// and 1; where lines cross, the brighter one is seen. Length and direction are one draw for an image.
/// The streaks of PROD pre-training (arXiv 2408.01099) are not published; this is our form of them.
package struct Rain: Degradation {
  package static let name = "rain"
  package static let summary = "adds streaks of one direction"
  package static let options: OptionTable = [
    Option(
      "intensity", DrawnNumber.type, default: .required, range: .within(0...1),
      "of the brightest streak, or [lowest, highest]"),
    Option(
      "density", DrawnNumber.type, default: .value(.list([.number(0.001), .number(0.005)])),
      range: .within(0...1), unit: "per pixel", "number of streaks"),
    Option(
      "length", DrawnNumber.type, default: [10, 30], range: .atLeast(1), unit: "pixels",
      "of streaks"),
    Option(
      "angle", DrawnNumber.type, default: [60, 120], unit: "degrees",
      "of streaks, counterclockwise from the rows; 90 falls straight down"),
  ]

  private let intensity: DrawnNumber
  private let density: DrawnNumber
  private let length: DrawnNumber
  private let angle: DrawnNumber

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    intensity = DrawnNumber("intensity", options, diagnostics)
    density = DrawnNumber("density", options, diagnostics)
    length = DrawnNumber("length", options, diagnostics)
    angle = DrawnNumber("angle", options, diagnostics)
  }

  package func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor {
    let intensity = Float(intensity.drawn(&random))
    let density = density.drawn(&random)
    let length = length.drawn(&random)
    let line = LineKernel(length: length, angle: angle.drawn(&random))
    let (height, width) = (image.shape[1], image.shape[2])
    let streaks = Self.streaks(line, density: density, height: height, width: width, &random)
    let result = image.copied()
    result.withMutableElements(of: Float.self) { values in
      for channel in 0..<image.shape[0] {
        let plane = channel * streaks.count
        for place in streaks.indices { values[plane + place] += intensity * streaks[place] }
      }
    }
    return result
  }

  /// The layer of streaks, `[row · column]`; lines may begin outside of the image.
  private static func streaks(
    _ line: LineKernel, density: Double, height: Int, width: Int, _ random: inout Philox
  ) -> [Float] {
    let reach = line.reach
    let (tall, wide) = (height + 2 * reach, width + 2 * reach)
    var layer = [Float](repeating: 0, count: height * width)
    for _ in 0..<Int((density * Double(tall * wide)).rounded()) {
      let (row, column) = (random.below(tall) - reach, random.below(wide) - reach)
      let brightness = Float(random.uniform(in: 0.5...1))
      for tap in line.taps {
        let (y, x) = (row + tap.row, column + tap.column)
        guard y >= 0, y < height, x >= 0, x < width else { continue }
        layer[y * width + x] = max(layer[y * width + x], brightness * tap.weight)
      }
    }
    return layer
  }
}
