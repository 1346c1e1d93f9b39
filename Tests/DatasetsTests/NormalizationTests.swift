import Datasets
import Foundation
import TestSupport
import Tensors
import Testing

@Suite("Normalization per trajectory", .enabled(if: Shared.isPresent, "../shared is absent"))
struct ReferenceNormalizationTests {
  /// Float32 rounding of values of order 10.
  private let tolerance: Float = 2e-6

  @Test("agrees with the reference's statistics, normalization and its inverse")
  func agrees() throws {
    let fixture = try FixtureTensors("fixtures/morph/c01_revin.safetensors")
    let (input, normalized) = (try fixture["input.x"], try fixture["output.normalized"])
    let (means, variances) = (try fixture["output.mu"], try fixture["output.var"])
    let denormalized = try fixture["output.denormalized"]
    let size = input.values.count / input.shape[0]
    for trajectory in 0..<input.shape[0] {
      let part = trajectory * size..<(trajectory + 1) * size
      let values = Tensor(Array(input.values[part]), shape: Array(input.shape.dropFirst()))
      let moments = values.fieldMoments()
      for field in 0..<input.shape[2] {
        let row = trajectory * input.shape[2] + field
        #expect(abs(Float(moments[field].mean) - means.values[row]) < tolerance)
        #expect(
          abs(Float(moments[field].variance) - variances.values[row])
            < tolerance * max(1, variances.values[row]))
      }
      let scaling = FieldScaling(sample: moments)
      let result = scaling.normalized(values)
      for (ours, theirs) in zip(result.elements(as: Float.self), normalized.values[part]) {
        #expect(abs(ours - theirs) < tolerance)
      }
      let back = scaling.denormalized(result).elements(as: Float.self)
      for (ours, theirs) in zip(back, denormalized.values[part]) {
        #expect(abs(ours - theirs) < tolerance * max(1, abs(theirs)))
      }
    }
    // At evaluation the reference takes the last rows of the statistics and another epsilon.
    let last = try fixture["output.denormalize_testeval_last_k"]
    let kept = last.shape[0]
    for position in 0..<kept {
      let trajectory = input.shape[0] - kept + position
      let rows = trajectory * input.shape[2]..<(trajectory + 1) * input.shape[2]
      let scaling = FieldScaling(
        means: Array(means.values[rows]),
        deviations: variances.values[rows].map { ($0 + 1e-8).squareRoot() })
      let part = trajectory * size..<(trajectory + 1) * size
      let values = Tensor(Array(normalized.values[part]), shape: Array(input.shape.dropFirst()))
      let stored = last.values[position * size..<(position + 1) * size]
      for (ours, theirs) in zip(scaling.denormalized(values).elements(as: Float.self), stored) {
        #expect(abs(ours - theirs) < tolerance * max(1, abs(theirs)))
      }
    }
    Parity.passed("morph/c01_revin")
  }
}

@Suite("Moments and quantiles")
struct MomentsTests {
  private func moments(_ values: [Float]) -> Moments {
    var moments = Moments()
    values.withUnsafeBufferPointer { moments.add($0) }
    return moments
  }

  @Test("pieces join to the whole, also far from zero")
  func joins() {
    let values = (0..<1000).map { Float(4096 + sin(Double($0))) }
    let whole = moments(values)
    var joined = moments(Array(values[..<137]))
    joined.join(moments(Array(values[137..<640])))
    joined.join(Moments())
    joined.join(moments(Array(values[640...])))
    let mean = values.reduce(0) { $0 + Double($1) } / 1000
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 1000
    #expect(abs(whole.mean - mean) < 1e-11)
    #expect(abs(whole.variance - variance) < 1e-11)
    #expect(abs(joined.mean - mean) < 1e-11)
    #expect(abs(joined.variance - variance) < 1e-11)
    #expect(joined.count == 1000)
    #expect(joined.minimum == values.min())
    #expect(joined.maximum == values.max())
  }

  @Test("quantiles lie linearly between order statistics")
  func quantiles() {
    #expect(FieldStatistics.quantiles(of: [4, 1, 8, 2], at: [0, 0.5, 0.75, 1]) == [1, 3, 5, 8])
    #expect(FieldStatistics.quantiles(of: [], at: [0.5])[0].isNaN)
  }
}
