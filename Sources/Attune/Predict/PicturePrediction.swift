import Formats
import Tensors

/// A restored picture as PNG, of the depth and colors of its input.
struct PicturePrediction {
  private let path: String
  private let colorModel: PNGImage.ColorModel
  private let bitDepth: Int
  private var image: PNGImage
  private var samples: [UInt16]
  private var rowCount = 0

  /// For a restored image of `channels`; nil where the input is no picture with as many.
  init?(of input: String, channels: Int, path: String) throws {
    guard input.lowercased().hasSuffix(".png") else { return nil }
    image = try PNGImage(path: input)
    switch (image.colorModel, channels) {
    case (.gray, 1): colorModel = .gray
    case (.rgb, 3), (.palette, 3): colorModel = .rgb
    default: return nil
    }
    bitDepth = max(8, image.bitDepth)
    self.path = path
    samples = [UInt16](repeating: 0, count: image.width * image.height * channels)
  }

  /// Takes full rows `[channel, row, column]` of values from 0 to 1, others are clipped.
  mutating func append(_ rows: Tensor) {
    let channels = rows.shape[0]
    let pixels = rows.shape[1] * rows.shape[2]
    let largest = Float((1 << bitDepth) - 1)
    let start = rowCount * rows.shape[2] * channels
    rows.withElements(of: Float.self) { values in
      for channel in 0..<channels {
        for pixel in 0..<pixels {
          let value = min(max(values[channel * pixels + pixel], 0), 1) * largest
          samples[start + pixel * channels + channel] = UInt16(value.rounded())
        }
      }
    }
    rowCount += rows.shape[1]
  }

  func write() throws -> String {
    try PNGImage(
      width: image.width, height: image.height, colorModel: colorModel, bitDepth: bitDepth,
      samples: samples
    ).write(to: path)
    return path
  }
}
