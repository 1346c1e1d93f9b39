internal import Foundation
import Tensors

/// Tests of whether two runs differ on the same test units; two-sided.
package enum PairedTest {
  /// Permutations of signs where they are too many to take all.
  private static let draws = 10_000
  /// Units up to which all permutations of signs are taken.
  private static let exactUnits = 12

  package static let signFlipFormula =
    "sign-flip permutation test: share of assignments of signs to the differences of the units whose "
    + "mean is at least as far from zero as the one found; all 2ⁿ for up to 12 units, else 10,000 "
    + "drawn ones, (1 + those as far) / 10,001"

  /// Chance of a mean difference as large as the one found, were each unit's two values
  /// exchangeable (Fisher 1935).
  ///
  /// - Parameters:
  ///   - first: one value per unit.
  ///   - second: one value per unit, the same units in the same order.
  ///   - seed: of the drawn signs.
  /// - Returns: nil without units, or with a difference that is not finite.
  package static func signFlip(_ first: [Double], _ second: [Double], seed: UInt64 = 0) -> Double? {
    precondition(
      first.count == second.count, "paired values of \(first.count) and \(second.count) units")
    let differences = zip(first, second).map { $0 - $1 }
    guard !differences.isEmpty, differences.allSatisfy(\.isFinite) else { return nil }
    // Sums of the same numbers in another order may differ in their last bits.
    let slack = 1e-12 * differences.reduce(0) { $0 + abs($1) }
    let found = abs(differences.reduce(0, +)) - slack
    let count = differences.count
    if count <= exactUnits {
      let far = (0..<(1 << count)).count { abs(sum(differences, signs: [UInt64($0)])) >= found }
      return Double(far) / Double(1 << count)
    }
    let far = (0..<draws).count { draw in
      // Stream 0 of this purpose belongs to the bootstrap.
      var random = Philox(seed: seed, purpose: .bootstrap, step: draw, index: 1)
      let signs = (0..<(count + 63) / 64).map { _ -> UInt64 in random.next() }
      return abs(sum(differences, signs: signs)) >= found
    }
    return Double(1 + far) / Double(1 + draws)
  }

  /// Sum where each bit that is set turns the sign of a value.
  private static func sum(_ values: [Double], signs: [UInt64]) -> Double {
    var sum = 0.0
    for index in values.indices {
      sum += signs[index / 64] >> UInt64(index % 64) & 1 == 1 ? -values[index] : values[index]
    }
    return sum
  }

  package static let mcNemarFormula =
    "McNemar's exact test: of the samples that one run alone gets right, the chance of a split at "
    + "least as uneven, were both runs equally often the one (binomial, p = 1/2)"

  /// Chance of a split of disagreements as uneven as the one found (McNemar 1947, exact).
  ///
  /// - Parameters:
  ///   - onlyFirst: samples that the first run alone gets right.
  ///   - onlySecond: samples that the second run alone gets right.
  /// - Returns: 1 where the runs never disagree.
  package static func mcNemar(onlyFirst: Int, onlySecond: Int) -> Double {
    precondition(onlyFirst >= 0 && onlySecond >= 0, "\(onlyFirst) and \(onlySecond) disagreements")
    let (fewer, total) = (min(onlyFirst, onlySecond), onlyFirst + onlySecond)
    guard 2 * fewer < total else { return 1 }
    // Binomial term of `fewer`, then those below it by their ratios.
    var logarithm = -Double(total) * log(2.0)
    for index in 0..<fewer { logarithm += log(Double(total - index) / Double(index + 1)) }
    var (term, sum) = (1.0, 1.0)
    for index in stride(from: fewer, to: 0, by: -1) {
      term *= Double(index) / Double(total - index + 1)
      sum += term
      if term < sum * 1e-17 { break }
    }
    return min(1, 2 * exp(logarithm) * sum)
  }

  /// McNemar's test of the decisions of two runs, both arrays `[sample]`.
  package static func mcNemar(firstIsRight: [Bool], secondIsRight: [Bool]) -> Double {
    precondition(
      firstIsRight.count == secondIsRight.count,
      "paired decisions of \(firstIsRight.count) and \(secondIsRight.count) samples")
    let pairs = zip(firstIsRight, secondIsRight)
    return mcNemar(
      onlyFirst: pairs.count { $0 && !$1 }, onlySecond: pairs.count { !$0 && $1 })
  }
}
