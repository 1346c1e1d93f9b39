package import Recipes
package import Tensors

/// What JPEG compression leaves of an image (ITU-T T.81): all that loses something, no coding.
///
/// 8-bit samples; three channels are red, green, blue and become luma and chroma (BT.601, full range),
/// chroma with half as many rows and columns unless `subsampling` is `4:4:4`; others are gray. Blocks
/// of 8×8 go through the cosine transform, are rounded to multiples of Annex K's tables at the quality,
/// and go back. All rounding, chroma means and interpolation between chroma samples are as libjpeg's
/// standard settings have them: results are Pillow's, to the bit.
package struct JPEG: Degradation {
  package static let name = "jpeg"
  package static let summary = "compresses by JPEG and decodes"
  package static let options: OptionTable = [
    Option(
      "quality", DrawnNumber.type, default: .required, range: .within(1...100),
      "libjpeg's scale, rounded to a whole number; or [lowest, highest]"),
    Option(
      "subsampling", .oneOf(["4:2:0", "4:4:4"]), default: "4:2:0", "resolution of color"),
  ]

  private let quality: DrawnNumber
  private let halvesChroma: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    quality = DrawnNumber("quality", options, diagnostics)
    halvesChroma = options.text("subsampling") == "4:2:0"
  }

  package func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor {
    let quality = Int(quality.drawn(&random).rounded())
    let (height, width) = (image.shape[1], image.shape[2])
    let pixels = height * width
    let samples = image.elements(as: Float.self).map { value in
      Int32(min(max((value * 255).rounded(), 0), 255))
    }
    var planes = (0..<image.shape[0]).map { channel in
      SamplePlane(
        height: height, width: width,
        values: Array(samples[(channel * pixels)..<((channel + 1) * pixels)]))
    }
    let luma = BlockQuantizer(.luma, quality: quality)
    if planes.count == 3 {
      let chroma = BlockQuantizer(.chroma, quality: quality)
      var colors = Chroma.separated(planes)
      colors[0] = luma.quantized(colors[0])
      for number in 1...2 {
        colors[number] =
          halvesChroma
          ? chroma.quantized(colors[number].halved).doubled(height: height, width: width)
          : chroma.quantized(colors[number])
      }
      planes = Chroma.joined(colors)
    } else {
      planes = planes.map(luma.quantized)
    }
    return Tensor(planes.flatMap(\.values).map { Float($0) / 255 }, shape: image.shape)
  }
}

/// Samples of one component, whole numbers from 0 to 255.
struct SamplePlane: Sendable {
  let height: Int
  let width: Int
  /// `[row · column]`.
  var values: [Int32]
}

/// Between red, green, blue and luma, chroma (ITU-T T.871, section 7), in multiples of 2⁻¹⁶.
private enum Chroma {
  private static let half: Int32 = 1 << 15

  private static func fixed(_ value: Double) -> Int32 { Int32((value * 65536).rounded()) }

  static func separated(_ planes: [SamplePlane]) -> [SamplePlane] {
    let (red, green, blue) = (planes[0].values, planes[1].values, planes[2].values)
    let luma = (fixed(0.299), fixed(0.587), fixed(0.114))
    let toBlue = (fixed(0.16874), fixed(0.33126))
    let toRed = (fixed(0.41869), fixed(0.08131))
    // Halves of chroma are rounded down.
    let middle: Int32 = 128 << 16 + half - 1
    var result = planes
    for place in red.indices {
      let (r, g, b) = (red[place], green[place], blue[place])
      result[0].values[place] = (luma.0 * r + luma.1 * g + luma.2 * b + half) >> 16
      result[1].values[place] = (b << 15 - toBlue.0 * r - toBlue.1 * g + middle) >> 16
      result[2].values[place] = (r << 15 - toRed.0 * g - toRed.1 * b + middle) >> 16
    }
    return result
  }

  static func joined(_ planes: [SamplePlane]) -> [SamplePlane] {
    let (luma, blue, red) = (planes[0].values, planes[1].values, planes[2].values)
    let (fromRed, fromBlue) = (fixed(1.402), fixed(1.772))
    let toGreen = (fixed(0.34414), fixed(0.71414))
    func bounded(_ value: Int32) -> Int32 { min(max(value, 0), 255) }
    var result = planes
    for place in luma.indices {
      let (y, cb, cr) = (luma[place], blue[place] - 128, red[place] - 128)
      result[0].values[place] = bounded(y + (fromRed * cr + half) >> 16)
      result[1].values[place] = bounded(y + (half - toGreen.0 * cb - toGreen.1 * cr) >> 16)
      result[2].values[place] = bounded(y + (fromBlue * cb + half) >> 16)
    }
    return result
  }
}

extension SamplePlane {
  /// Means of 2×2 samples; halves round down and up in turn.
  ///
  /// Columns go on to a whole number of blocks as if the last one of this plane were repeated.
  fileprivate var halved: SamplePlane {
    let (rows, columns) = ((height + 1) / 2, (width + 15) / 16 * 8)
    var means = [Int32](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      let (above, below) = (2 * row * width, min(2 * row + 1, height - 1) * width)
      for column in 0..<columns {
        let (left, right) = (min(2 * column, width - 1), min(2 * column + 1, width - 1))
        let sum =
          values[above + left] + values[above + right] + values[below + left]
          + values[below + right]
        means[row * columns + column] = (sum + (column % 2 == 0 ? 1 : 2)) >> 2
      }
    }
    return SamplePlane(height: rows, width: columns, values: means)
  }

  /// Twice as many rows and columns of those that belong to an image of this size.
  ///
  /// A sample weighs 9/16, its neighbors 3/16, 3/16 and 1/16.
  fileprivate func doubled(height: Int, width: Int) -> SamplePlane {
    var result = SamplePlane(
      height: height, width: width, values: [Int32](repeating: 0, count: height * width))
    let columns = (width + 1) / 2
    for row in 0..<height {
      let near = row / 2
      let far = min(max(near + (row % 2 == 0 ? -1 : 1), 0), self.height - 1)
      for column in 0..<width {
        let place = column / 2
        let beside = min(max(place + (column % 2 == 0 ? -1 : 1), 0), columns - 1)
        func sum(_ column: Int) -> Int32 {
          3 * values[near * self.width + column] + values[far * self.width + column]
        }
        let total = 3 * sum(place) + sum(beside) + (column % 2 == 0 ? 8 : 7)
        result.values[row * width + column] = total >> 4
      }
    }
    return result
  }
}
