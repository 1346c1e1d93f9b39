import Datasets
import Foundation
import Recipes
import Tensors
import Testing

/// A batch transform with its option, as a recipe gives it.
private func mixing(
  _ name: String, alpha: Double, probability: Double = 1
) throws -> any BatchTransform {
  let type = try batchTransforms.entry(named: name)
  let diagnostics = Diagnostics()
  var options: [PlainValue.Field] = [.init("alpha", .number(alpha))]
  if probability < 1 { options.append(.init("prob", .number(probability))) }
  let located = Located(
    plain: .map(options), at: SourceLocation(source: "test"), path: "data.transforms.0")
  let made = type.init(OptionReader(located, type.options, diagnostics), diagnostics)
  try diagnostics.throwErrors()
  return made
}

/// Three samples of two inputs of 6×8 pixels, whose values are their numbers, and classes 2, 0, 9.
private func batch() -> [String: Tensor] {
  func image(_ bands: Int, _ factor: Float) -> Tensor {
    Tensor(
      (0..<3).flatMap { [Float](repeating: factor * Float($0), count: bands * 48) },
      shape: [3, bands, 6, 8])
  }
  return [
    "s1": image(1, 1), "s2": image(2, 10), "target": Tensor([Int32]([2, 0, 9]), shape: [3]),
    "s1.wavelengths": Tensor([Float](repeating: 0.5, count: 6), shape: [3, 2]),
  ]
}

private func mixed(
  _ change: any BatchTransform, _ batch: [String: Tensor], step: Int = 0
) throws -> [String: [Float]] {
  try mixed([change], batch, step: step)
}

private func mixed(
  _ changes: [any BatchTransform], _ batch: [String: Tensor], step: Int = 0
) throws -> [String: [Float]] {
  let mixing = try #require(BatchMixing(changes))
  return try mixing(
    batch, inputs: ["s1", "s2"], classes: 3, ignored: 9, seed: 4, step: step
  ).mapValues { $0.elements(as: Float.self) }
}

@Suite("Mixing of batches")
struct MixingTests {
  @Test("mixup blends images, and classes by the same share, with the batch in opposite order")
  func mixup() throws {
    let change = try mixing(Mixup.name, alpha: 0.8)
    var shares: Set<Float> = []
    for step in 0..<20 {
      let result = try mixed(change, batch(), step: step)
      let values = try #require(result["s1"])
      // Sample 0 is all 0 and its partner all 2.
      let share = 1 - values[0] / 2
      shares.insert(share)
      #expect(values.prefix(48).allSatisfy { $0 == values[0] })
      #expect(values[48] == 1 && abs(values[96] - 2 * share) < 1e-6)
      #expect(abs(try #require(result["s2"])[0] - 10 * values[0]) < 1e-5)
      let target = try #require(result["target"])
      // Class 2 against a sample that counts nowhere, class 0 with itself.
      let expected: [Float] = [0, 0, share, 1, 0, 0, 0, 0, 1 - share]
      #expect(largestDifference(target, expected) < 1e-6)
      #expect(result["s1.wavelengths"] == [Float](repeating: 0.5, count: 6))
    }
    #expect(shares.count == 20)
    #expect(try mixed(change, batch(), step: 3) == mixed(change, batch(), step: 3))
  }

  /// Mean 1/2, variance 1 / (4 (2α + 1)).
  @Test("shares follow Beta(alpha, alpha)", arguments: [0.05, 0.4, 1, 3])
  func beta(alpha: Double) throws {
    let change = try mixing("mixup", alpha: alpha)
    let count = 6000
    let shares = (0..<count).compactMap { step -> Double? in
      var random = augmentation(step)
      guard case .blend(let share) = change.mixture(height: 1, width: 1, &random) else {
        return nil
      }
      return Double(share)
    }
    let mean = shares.reduce(0, +) / Double(count)
    let variance = shares.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / Double(count)
    let expected = 1 / (4 * (2 * alpha + 1))
    #expect(shares.count == count && shares.allSatisfy { $0 >= 0 && $0 <= 1 })
    // Four standard errors of the mean, and as much for the variance.
    #expect(abs(mean - 0.5) < 4 * (expected / Double(count)).squareRoot())
    #expect(abs(variance - expected) < 0.05 * expected)
    // Quantiles of the uniform distribution are known.
    if alpha == 1 {
      #expect(abs(Double(shares.count { $0 < 0.1 }) / Double(count) - 0.1) < 0.016)
    }
  }

  @Test("cutmix pastes one rectangle of the partner into all inputs; classes count by its area")
  func cutmix() throws {
    let change = try mixing(CutMix.name, alpha: 1)
    var areas: Set<Int> = []
    for step in 0..<100 {
      let result = try mixed(change, batch(), step: step)
      let (first, second) = (try #require(result["s1"]), try #require(result["s2"]))
      let pasted = (0..<48).filter { first[$0] == 2 }
      #expect((0..<48).allSatisfy { first[$0] == 2 || first[$0] == 0 })
      #expect((0..<96).allSatisfy { second[$0] == 10 * first[$0 % 48] })
      #expect((0..<48).allSatisfy { first[96 + $0] == 2 - first[$0] })
      let (rows, columns) = (Set(pasted.map { $0 / 8 }), Set(pasted.map { $0 % 8 }))
      #expect(pasted.count == rows.count * columns.count)
      let share = 1 - Float(pasted.count) / 48
      let expected: [Float] = [0, 0, share, 1, 0, 0, 0, 0, 1 - share]
      #expect(largestDifference(try #require(result["target"]), expected) < 1e-6)
      areas.insert(pasted.count)
    }
    #expect(areas.count > 8)
  }

  @Test("shares are mixed as they are; rasters and images of several sizes are refused")
  func targets() throws {
    let change = try mixing("mixup", alpha: 1)
    var fields = batch()
    fields["target"] = Tensor([0.2, 0.8, 0, 1, 0.6, 0.4] as [Float], shape: [3, 2])
    let result = try mixed(change, fields)
    let share = 1 - (try #require(result["s1"])[0]) / 2
    let expected: [Float] = [
      0.6 - 0.4 * share, 0.4 + 0.4 * share, 0, 1, 0.2 + 0.4 * share, 0.8 - 0.4 * share,
    ]
    #expect(largestDifference(try #require(result["target"]), expected) < 1e-6)
    fields["target"] = Tensor(zeros: [3, 6, 8], dtype: .i32)
    #expect(throws: DataError.self) { _ = try mixed(change, fields) }
    fields = batch()
    fields["s2"] = Tensor(zeros: [3, 1, 4, 4])
    #expect(throws: DataError.self) { _ = try mixed(change, fields) }
    #expect(throws: (any Error).self) { try mixing("mixup", alpha: 0) }
  }

  @Test("a batch stays as it is by the chance of that, and its classes become shares")
  func chance() throws {
    let change = try mixing("mixup", alpha: 1, probability: 0.25)
    var unmixed = 0
    for step in 0..<400 {
      let result = try mixed(change, batch(), step: step)
      guard try #require(result["s1"])[0] == 0 else { continue }
      unmixed += 1
      #expect(result["target"] == [0, 0, 1, 1, 0, 0, 0, 0, 0])
    }
    // Four standard errors of 300.
    #expect(abs(unmixed - 300) < 35)
  }

  @Test("with both named a batch takes either, each by half")
  func either() throws {
    let changes = [try mixing("cutmix", alpha: 1), try mixing("mixup", alpha: 1)]
    var blended = 0
    for step in 0..<400 {
      let values = Set(try #require(try mixed(changes, batch(), step: step)["s1"]).prefix(48))
      if values.count == 1, !values.isSubset(of: [0, 2]) { blended += 1 }
      // Pasted pixels are the partner's, the others their own.
      if values.count > 1 { #expect(values == [0, 2]) }
    }
    #expect(abs(blended - 200) < 40)
  }
}
