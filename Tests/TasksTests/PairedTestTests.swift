import Tasks
import Testing

@Suite struct PairedTestTests {
  @Test("many units with a clear difference, and without one")
  func drawn() throws {
    let base = (0..<40).map { Double($0 * 7 % 11) }
    let shifted = base.enumerated().map { $1 + 0.5 + Double($0 % 3) }
    let clear = try #require(PairedTest.signFlip(shifted, base))
    #expect(clear == 1.0 / 10_001, "no drawn permutation is as far")
    let alternating = base.enumerated().map { $1 + ($0 % 2 == 0 ? 1.0 : -1.0) }
    #expect(PairedTest.signFlip(alternating, base) == 1)
  }

  @Test("drawn signs approach all signs")
  func agreement() throws {
    // A unit without a difference makes 13 of 12 and leaves the exact chance as it is.
    let differences: [Double] = [0.3, -0.2, 0.9, 0.4, -0.6, 0.8, 0.1, 0.7, -0.3, 0.5, 0.2, 0.6]
    let zeros = [Double](repeating: 0, count: 12)
    let exact = try #require(PairedTest.signFlip(differences, zeros))
    let drawn = try #require(PairedTest.signFlip(differences + [0], zeros + [0], seed: 4))
    // Four standard errors of 10,000 draws.
    #expect(abs(exact - drawn) < 4 * (exact * (1 - exact) / 10_000).squareRoot())
    #expect(drawn == PairedTest.signFlip(differences + [0], zeros + [0], seed: 4))
    #expect(drawn != PairedTest.signFlip(differences + [0], zeros + [0], seed: 5))
  }

  @Test("equal runs do not differ; no units and no numbers give no chance")
  func edges() {
    #expect(PairedTest.signFlip([1, 2, 3], [1, 2, 3]) == 1)
    #expect(PairedTest.signFlip([2], [1]) == 1, "one sign tells nothing")
    #expect(PairedTest.signFlip([], []) == nil)
    #expect(PairedTest.signFlip([1, .nan], [0, 0]) == nil)
    #expect(PairedTest.mcNemar(onlyFirst: 0, onlySecond: 0) == 1)
  }

  @Test("McNemar's test counts the samples that one run alone gets right")
  func decisions() {
    let first = [true, true, true, true, true, true, false, false]
    let second = [false, false, false, false, false, true, false, true]
    #expect(
      PairedTest.mcNemar(firstIsRight: first, secondIsRight: second)
        == PairedTest.mcNemar(onlyFirst: 5, onlySecond: 1))
    // 2 · (1 + 6) / 64.
    #expect(abs(PairedTest.mcNemar(onlyFirst: 5, onlySecond: 1) - 14.0 / 64) < 1e-14)
    #expect(PairedTest.mcNemar(onlyFirst: 400_000, onlySecond: 100_000) == 0)
  }
}
