internal import Foundation
package import Recipes
package import Tensors

/// Mixup (arXiv 1710.09412): convex combinations of two samples and of their targets.
package struct Mixup: BatchTransform {
  package static let name = "mixup"
  package static let summary = "blends each sample of a batch with another one, and their classes"
  package static let options: OptionTable = [.mixingAlpha, .mixingChance]

  private let alpha: Double
  package let probability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    alpha = options.number("alpha")
    probability = options.number("prob")
  }

  package func mixture(height: Int, width: Int, _ random: inout Philox) -> Mixture {
    .blend(share: Float(random.beta(alpha)))
  }
}

/// CutMix (arXiv 1905.04899): a rectangle of another sample is pasted in, classes count by area.
///
/// The rectangle has the image's shape and the share 1 − λ of its area around a uniform place, less
/// what lies outside (equations 1 and 2 and appendix A).
package struct CutMix: BatchTransform {
  package static let name = "cutmix"
  package static let summary = "pastes a part of another sample into each one of a batch"
  package static let options: OptionTable = [
    .mixingAlpha, .mixingChance,
    Option(
      "switch_prob", .number, default: 0.5, range: .within(0...1),
      "chance that a batch takes cutmix, where mixup is named too"),
  ]

  private let alpha: Double
  package let probability: Double
  let switchProbability: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    alpha = options.number("alpha")
    probability = options.number("prob")
    switchProbability = options.number("switch_prob")
  }

  package func mixture(height: Int, width: Int, _ random: inout Philox) -> Mixture {
    let side = (1 - random.beta(alpha)).squareRoot()
    func part(of length: Int) -> Range<Int> {
      let cut = Int(Double(length) * side)
      let middle = random.below(length)
      let first = max(0, middle - cut / 2)
      return first..<max(first, min(length, middle + cut / 2))
    }
    let rows = part(of: height)
    return .paste(rows: rows, columns: part(of: width))
  }
}

extension Option {
  fileprivate static let mixingAlpha = Option(
    "alpha", .number, default: 1, range: .above(0),
    "shares follow Beta(alpha, alpha): small values leave most samples nearly as they are")
  fileprivate static let mixingChance = Option(
    "prob", .number, default: 1, range: .within(0...1), "chance of each batch")
}

extension Philox {
  /// A number of the distribution Beta(α, α): X / (X + Y) of two gamma numbers, by their logarithms,
  /// which do not vanish for small α.
  mutating func beta(_ alpha: Double) -> Double {
    let (first, second) = (logGamma(alpha), logGamma(alpha))
    return 1 / (1 + exp(second - first))
  }

  /// Logarithm of a number of the distribution Gamma(α, 1) (Marsaglia and Tsang 2000, section 2; for
  /// α < 1 section 6: Gamma(α + 1) · U^(1/α)).
  private mutating func logGamma(_ alpha: Double) -> Double {
    guard alpha >= 1 else {
      let larger = logGamma(alpha + 1)
      return larger + log(1 - uniform()) / alpha
    }
    let shift = alpha - 1 / 3.0
    while true {
      let x = normal()
      let root = 1 + x / (9 * shift).squareRoot()
      guard root > 0 else { continue }
      let cube = root * root * root
      if log(1 - uniform()) < x * x / 2 + shift - shift * cube + shift * log(cube) {
        return log(shift * cube)
      }
    }
  }
}
