import Datasets
import Foundation
import Recipes
import Tensors
import Testing

/// Written by `Golden/make_jpeg.py`.
private struct GoldenJPEG: Decodable {
  struct Case: Decodable {
    let quality: Int
    let subsampling: String
    let values: String

    var options: [PlainValue.Field] {
      [.init("quality", .integer(quality)), .init("subsampling", .text(subsampling))]
    }

    func samples() throws -> [Double] { try GoldenJPEG.bytes(values) }
  }
  let shape: [Int]
  let image: String
  let cases: [Case]
  let gray: Case

  static func stored() throws -> GoldenJPEG {
    try GoldenFiles.stored("jpeg.json", as: GoldenJPEG.self)
  }

  static func bytes(_ text: String) throws -> [Double] {
    try #require(Data(base64Encoded: text)).map { Double($0) }
  }

  /// The picture as `[channel, row, column]` from 0 to 1, of some of its channels.
  func picture(_ channels: [Int]) throws -> Tensor {
    let samples = try Self.bytes(image)
    let values = channels.flatMap { channel in
      stride(from: channel, to: samples.count, by: 3).map { Float(samples[$0] / 255) }
    }
    return Tensor(values, shape: [channels.count] + shape)
  }
}

/// Differences in gray levels between an image and stored rows of pixels.
private func differences(_ image: Tensor, _ stored: [Double]) -> [Double] {
  let (channels, values) = (image.shape[0], image.elements(as: Float.self))
  let pixels = values.count / channels
  return stored.indices.map {
    abs(Double(values[$0 % channels * pixels + $0 / channels]) * 255 - stored[$0])
  }
}

@Suite("Degradations of pictures")
struct PictureDegradationTests {
  @Test("JPEG is Pillow's to the bit, at low and high quality, with full and half color")
  func jpeg() throws {
    #expect(JPEG.name == "jpeg")
    let golden = try GoldenJPEG.stored()
    let picture = try golden.picture([0, 1, 2])
    for stored in golden.cases {
      let compress = try degradation("jpeg", stored.options)
      var draws = stream()
      let result = compress(picture, &draws)
      let largest = differences(result, try stored.samples()).max() ?? 255
      // Values are in 0…1 in single precision.
      #expect(largest < 1e-4, "\(stored.quality) \(stored.subsampling): \(largest)")
    }
    #expect(golden.cases.count == 8)
    let compress = try degradation("jpeg", golden.gray.options)
    let green = try golden.picture([1])
    var draws = stream()
    let largest = differences(compress(green, &draws), try golden.gray.samples()).max() ?? 255
    #expect(largest < 1e-4)
  }

  @Test("JPEG is lossless to a gray level at quality 100 and treats other channels as gray")
  func jpegEnds() throws {
    let picture = try GoldenJPEG.stored().picture([0, 1, 2])
    let best: [PlainValue.Field] = [
      .init("quality", .integer(100)), .init("subsampling", .text("4:4:4")),
    ]
    let compress = try degradation("jpeg", best)
    var draws = stream()
    let same = compress(picture, &draws)
    let gap = largestDifference(
      same.elements(as: Float.self), picture.elements(as: Float.self))
    #expect(gap < 3.5 / 255)
    let four = Tensor.concatenated([picture, picture.sliced(axis: 0, 0..<1)], axis: 0)
    let result = compress(four, &draws)
    #expect(result.shape == four.shape)
    let bands = result.elements(as: Float.self)
    #expect(Array(bands.prefix(1044)) == Array(bands.suffix(1044)))
    #expect(throws: (any Error).self) { try degradation("jpeg", [.init("quality", .integer(0))]) }
  }

  @Test("a point moves along its line: equal weights on an axis, a line of its length elsewhere")
  func motionBlur() throws {
    #expect(MotionBlur.name == "motion-blur")
    func moved(_ length: Double, _ angle: Double) throws -> [Float] {
      let blur = try degradation(
        "motion-blur", [.init("length", .number(length)), .init("angle", .number(angle))])
      var point = [Float](repeating: 0, count: 21 * 21)
      point[10 * 21 + 10] = 1
      var draws = stream()
      return blur(Tensor(point, shape: [1, 21, 21]), &draws).elements(as: Float.self)
    }
    for (angle, step) in [(0.0, 1), (180.0, 1), (90.0, 21)] {
      let values = try moved(5, angle)
      let line = (-2...2).map { 10 * 21 + 10 + $0 * step }
      #expect(values.indices.allSatisfy { abs(values[$0] - (line.contains($0) ? 0.2 : 0)) < 1e-6 })
    }
    // By the definition, in double precision, for an oblique line.
    let values = try moved(9, 30)
    var weights: [Double] = []
    for place in values.indices {
      let (x, y) = (Double(place % 21 - 10), Double(10 - place / 21))
      let (along, up) = (3.0.squareRoot() / 2, 0.5)
      let position = min(max(x * along + y * up, -4), 4)
      weights.append(max(0, 1 - hypot(x - position * along, y - position * up)))
    }
    let mass = weights.reduce(0, +)
    #expect(values.indices.allSatisfy { abs(Double(values[$0]) - weights[$0] / mass) < 1e-6 })
    // A point up and to the right of the middle is seen; one up and to the left is not.
    #expect(values[8 * 21 + 13] > 0 && values[8 * 21 + 7] == 0)
    let flat = Tensor([Float](repeating: 0.3, count: 30), shape: [2, 3, 5])
    var draws = stream()
    let blur = try degradation(
      "motion-blur", [.init("length", .list([.integer(5), .integer(25)]))])
    #expect(blur(flat, &draws).elements(as: Float.self).allSatisfy { abs($0 - 0.3) < 1e-5 })
  }

  @Test("the direction of motion is drawn anew for each image")
  func motionAngles() throws {
    let blur = try degradation("motion-blur", [.init("length", .integer(11))])
    var point = [Float](repeating: 0, count: 21 * 21)
    point[10 * 21 + 10] = 1
    var octants: Set<Int> = []
    for index in 0..<60 {
      var draws = stream(index)
      let values = blur(Tensor(point, shape: [1, 21, 21]), &draws).elements(as: Float.self)
      let sum: Float = values.reduce(0, +)
      #expect(abs(sum - 1) < 1e-5)
      // Twice the angle of the line's main axis, from its second moments.
      var (xx, yy, xy): (Double, Double, Double) = (0, 0, 0)
      for place in values.indices {
        let (x, y) = (Double(place % 21 - 10), Double(10 - place / 21))
        xx += Double(values[place]) * x * x
        yy += Double(values[place]) * y * y
        xy += Double(values[place]) * x * y
      }
      octants.insert(Int((atan2(2 * xy, xx - yy) / .pi + 1) * 3.999))
    }
    #expect(octants.count == 8)
  }

  @Test("rain brightens streaks of its direction alike in all channels, up to its intensity")
  func rain() throws {
    #expect(Rain.name == "rain")
    let rain = try degradation(
      "rain",
      [
        .init("intensity", .number(0.3)), .init("density", .number(0.002)),
        .init("length", .integer(20)), .init("angle", .integer(90)),
      ])
    let dark = Tensor([Float](repeating: 0.2, count: 2 * 96 * 96), shape: [2, 96, 96])
    var draws = stream()
    let values = rain(dark, &draws).elements(as: Float.self)
    #expect(values.prefix(96 * 96).elementsEqual(values.suffix(96 * 96)))
    let layer = values.prefix(96 * 96).map { $0 - 0.2 }
    #expect(layer.allSatisfy { $0 >= 0 && $0 < 0.3 + 1e-6 } && (layer.max() ?? 0) > 0.28)
    // 0.002 streaks of 20 pixels per pixel cover 1 − exp(−0.04) of the image.
    let share = Double(layer.count { $0 > 0 }) / Double(layer.count)
    #expect(abs(share - 0.0392) < 0.012)
    // They fall straight down: all but three pixels of 21 are like the one below, none like the one
    // beside.
    func agreement(_ step: Int) -> Double {
      let bright = layer.indices.filter { layer[$0] > 0 && $0 + step < layer.count }
      return Double(bright.count { layer[$0 + step] == layer[$0] }) / Double(bright.count)
    }
    #expect(agreement(96) > 0.8 && agreement(1) < 0.1)
    var other = stream(1)
    #expect(rain(dark, &other).elements(as: Float.self) != values)
  }

  @Test("downscale keeps slopes and removes what is finer than its factor")
  func downscale() throws {
    #expect(Downscale.name == "downscale")
    let shrink = try degradation("downscale", [.init("factor", .integer(2))])
    var draws = stream()
    let slope = Tensor((0..<(24 * 32)).map { Float($0 % 32) / 32 }, shape: [1, 24, 32])
    let kept = shrink(slope, &draws)
    #expect(kept.shape == slope.shape)
    let (before, after) = (slope.elements(as: Float.self), kept.elements(as: Float.self))
    let inside = before.indices.filter { (6..<26).contains($0 % 32) }
    #expect(inside.allSatisfy { abs(before[$0] - after[$0]) < 1e-3 })
    let stripes = Tensor((0..<(24 * 32)).map { Float($0 % 2) }, shape: [1, 24, 32])
    let gone = shrink(stripes, &draws).elements(as: Float.self)
    #expect(inside.allSatisfy { abs(gone[$0] - 0.5) < 0.02 })
    // The same as the two steps by themselves.
    let small = resized(slope, to: (12, 16), by: .bicubic)
    #expect(resized(small, to: (24, 32), by: .bicubic).elements(as: Float.self) == after)
    let by3 = try degradation("downscale", [.init("factor", .number(3))])
    #expect(by3(slope, &draws).shape == slope.shape)
  }
}
