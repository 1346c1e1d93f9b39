import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Trajectory splits")
struct TrajectorySplitTests {
  private func sizes(_ parts: [SplitPart: [Int]]) -> [Int] {
    SplitPart.allCases.map { parts[$0]?.count ?? -1 }
  }

  @Test("covers each unit once", arguments: TrajectorySplit.Generator.allCases)
  func covers(generator: TrajectorySplit.Generator) throws {
    let parts = try TrajectorySplit(.fractions([0.8, 0.1, 0.1]), generator: generator).parts(of: 97)
    #expect(parts.values.flatMap { $0 }.sorted() == Array(0..<97))
  }

  @Test(
    "rounds cut points down",
    arguments: [(10, [8, 1, 1]), (1000, [800, 100, 100]), (7, [5, 1, 1])])
  func cuts(count: Int, expected: [Int]) throws {
    #expect(sizes(try TrajectorySplit(.fractions([0.8, 0.1, 0.1])).parts(of: count)) == expected)
  }

  @Test("leaves out what fractions or counts do not name")
  func partial() throws {
    #expect(sizes(try TrajectorySplit(.counts([16, 16, 64])).parts(of: 100)) == [16, 16, 64])
    #expect(sizes(try TrajectorySplit(.fractions([0.5, 0, 0.25])).parts(of: 8)) == [4, 0, 2])
  }

  @Test("depends on its own seed alone")
  func seeds() throws {
    func train(_ seed: UInt64) throws -> [Int]? {
      try TrajectorySplit(.fractions([0.5, 0.25, 0.25]), seed: seed).parts(of: 40)[.train]
    }
    #expect(try train(1) == train(1))
    #expect(try train(1) != train(2))
  }

  @Test("keeps the head of a limited part")
  func limits() throws {
    let whole = try TrajectorySplit(.fractions([0.8, 0.1, 0.1])).parts(of: 100)
    let limited = try TrajectorySplit(
      .fractions([0.8, 0.1, 0.1]), limits: [.train: .share(0.1), .val: .count(3)]
    ).parts(of: 100)
    #expect(limited[.train] == Array((whole[.train] ?? []).prefix(8)))
    #expect(limited[.val] == Array((whole[.val] ?? []).prefix(3)))
    #expect(limited[.test] == whole[.test])
  }

  @Test(
    "refuses sizes that cannot be",
    arguments: [
      TrajectorySplit(.fractions([0.8, 0.3, 0.1])), TrajectorySplit(.fractions([0.8, 0.2])),
      TrajectorySplit(.counts([90, 10, 1])), TrajectorySplit(.counts([-1, 10, 1])),
      TrajectorySplit(.fractions([0.8, 0.1, 0.1]), seed: 1 << 40, generator: .numpyLegacy),
      TrajectorySplit(.counts([80, 10, 10]), generator: .morphGeneral),
      TrajectorySplit(.fractions([0.8, 0.1, 0.1]), limits: [.test: .count(11)]),
      TrajectorySplit(.fractions([0.8, 0.1, 0.1]), limits: [.test: .share(1.5)]),
    ])
  func refuses(_ split: TrajectorySplit) {
    #expect(throws: DataError.self) { try split.parts(of: 100) }
  }
}

@Suite("Splits of the reference", .enabled(if: Shared.isPresent, "../shared is absent"))
struct ReferenceSplitTests {
  private struct Permutations: Decodable {
    let permutations: [String: [Int]]
    let first20_of_20000: [Int]
    let bounds: [String: [Int]]
  }

  private struct GeneralSplits: Decodable {
    let splits: [String: [String: [Int]]]
  }

  private func decoded<Value: Decodable>(_ name: String) throws -> Value {
    let data = try Data(contentsOf: URL(filePath: Shared.path("fixtures/morph/\(name)")))
    return try JSONDecoder().decode(Value.self, from: data)
  }

  @Test("numpy-legacy cuts the reference's permutation at its bounds")
  func legacyPermutation() throws {
    let expected: Permutations = try decoded("c18_split_permutation.json")
    let split = TrajectorySplit(.fractions([0.8, 0.1, 0.1]), generator: .numpyLegacy)
    for (count, permutation) in expected.permutations {
      let parts = try split.parts(of: try #require(Int(count)))
      #expect(SplitPart.allCases.flatMap { parts[$0] ?? [] } == permutation)
    }
    for (count, bounds) in expected.bounds {
      let parts = try split.parts(of: try #require(Int(count)))
      let sizes = SplitPart.allCases.map { parts[$0]?.count ?? 0 }
      #expect([sizes[0], sizes[0] + sizes[1], sizes[0] + sizes[1] + sizes[2]] == bounds)
    }
    let large = try split.parts(of: 20_000)
    #expect(Array((large[.train] ?? []).prefix(20)) == expected.first20_of_20000)
    Parity.passed("morph/c18_split_permutation")
  }

  @Test("morph-general repeats the two-stage split")
  func generalSplit() throws {
    let expected: GeneralSplits = try decoded("c19_general_split.json")
    let split = TrajectorySplit(.fractions([0.8, 0.1, 0.1]), generator: .morphGeneral)
    for (count, parts) in expected.splits {
      let ours = try split.parts(of: try #require(Int(count)))
      for part in SplitPart.allCases { #expect(ours[part] == parts[part.rawValue]) }
    }
    Parity.passed("morph/c19_general_split")
  }
}
