import Recipes
import Reports
import Testing

@Suite struct RankByLayerSectionTests {
  @Test("blocks stand in the order of their numbers, one series for each kind of weight")
  func order() throws {
    let figures = try Report(SyntheticRuns.adapted(intruders: 0)).section("Rank by layer").figures
    let figure = try #require(figures.first)
    #expect(figures.map(\.name) == ["layers-effective-rank"])
    #expect(
      figure.alternative
        == "effective rank of the updates over 12 blocks; means: attn.qkv 6.5, mlp.fc1 2.0")
    // The rank of attn.qkv grows with the block, so its circles climb to the right.
    let circles = figure.svg.split(separator: "class=\"chart-m0\" d=\"M").dropFirst().compactMap {
      part -> (x: Double, y: Double)? in
      let numbers = part.prefix { $0 != "a" }.split(separator: " ").compactMap { Double($0) }
      return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }.prefix(12).sorted { $0.x < $1.x }
    #expect(circles.count == 12)
    #expect(zip(circles, circles.dropFirst()).allSatisfy { $0.x < $1.x && $0.y > $1.y })
  }

  @Test("intruder dimensions have their own drawing where there are any")
  func intruders() throws {
    let figures = try Report(SyntheticRuns.adapted(intruders: 2)).section("Rank by layer").figures
    #expect(figures.map(\.name) == ["layers-effective-rank", "layers-intruder-dimensions"])
    #expect(figures[1].alternative.hasSuffix("means: attn.qkv 0.17, mlp.fc1 0.17"))
    // Counted things stand over whole numbers from 0.
    let labels = figures[1].svg.split(separator: "text-anchor=\"end\">").dropFirst().map {
      $0.prefix { $0 != "<" }
    }
    #expect(labels == ["0", "1", "2"])
  }

  @Test("weights outside numbered blocks, or in one block alone, have no depth")
  func noDepth() {
    var run = SyntheticRuns.adapted(intruders: 0)
    run.record.model.updates?.removeAll { !$0.module.hasPrefix("blocks.1.") }
    run.record.model.updates?.append(
      RunRecord.WeightUpdate(
        module: "head", rank: 8, effectiveRank: 3, relativeNorm: 0.1, intruders: 0, looked: 10))
    #expect(!Report(run).sections.map(\.title).contains("Rank by layer"))
  }
}
