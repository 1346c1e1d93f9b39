import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Contribution")
struct ContributionTests {
  @Test(
    "ranks follow from contributions as in the reference cases",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: [
      "colora_restoration_b20_beta1", "colora_restoration_b30", "colora_restoration_taylor_b40",
    ])
  func ranks(name: String) throws {
    let path = Shared.path("fixtures/adapters/\(name)/fixture.json")
    let description = try #require(try JSONValue(contentsOf: path).object)
    let options = try #require(description["options"]?.object)
    let allocation = try #require(description["allocation"]?.object)
    let shapes = try #require(allocation["shapes"]?.object)
    let isTaylor = options["contribution"]?.string == "taylor"
    let scores = try #require(
      description[isTaylor ? "contribution_taylor" : "contribution"]?.object)
    let layers = shapes.entries.map(\.key)
    let law = RankLaw(
      budget: try #require(options["budget"]?.number), beta: try #require(options["beta"]?.number))
    let found = law.ranks(
      try layers.map { try #require(scores[$0]?.number) },
      sizes: try layers.map { layer in
        let sides = shapes[layer]?.array?.compactMap(\.integer) ?? []
        return (rows: try #require(sides.first), columns: try #require(sides.last))
      }, beside: try #require(allocation["full_parameters"]?.integer),
      total: try #require(description["total_parameters"]?.integer))
    let expected = try layers.map { try #require(allocation["rank"]?.object?[$0]?.integer) }
    #expect(found == expected)
    #expect(found.contains(0) && Set(found).count > 3)
  }

  @Test("the budget bounds what is trained, and nothing to tell layers apart leaves them alone")
  func budget() {
    let law = RankLaw(budget: 0.1, beta: 0.5, leastRank: 1)
    let sizes = [(20, 30), (40, 40), (8, 8)].map { (rows: $0.0, columns: $0.1) }
    let ranks = law.ranks([1, 0.01, 0.5], sizes: sizes, beside: 10, total: 3000)
    let used = zip(ranks, sizes).reduce(10) { $0 + $1.0 * ($1.1.rows + $1.1.columns) }
    #expect(used <= 300 && ranks.allSatisfy { $0 >= 1 })
    #expect(ranks[0] > ranks[1])
    #expect(
      RankLaw(budget: 0.1, beta: 1).ranks(
        [0, 0], sizes: Array(sizes.prefix(2)), beside: 0, total: 10) == [0, 0])
  }

  @Test("scores are those of a loss whose gradient is known")
  func scores() throws {
    // L = Σ sample · θ²: gradients 2 · sample · θ, FAIG |(θ̄ − θ) · 2 · sample · mean of θ(t)|.
    let parameter = Parameter(path: "w", shape: [2], initialization: .zeros)
    parameter.value = Tensor([1, -2] as [Float], shape: [2])
    let probe = SquareProbe(parameter: parameter, scales: [1, 3])
    let taylor = try taylorScores([parameter], probe, samples: 2)[0].elements(as: Float.self)
    #expect(taylor == [2 * 2, 2 * 8])
    let target = Tensor([3, 0] as [Float], shape: [2])
    let faig = try faigScores([parameter], target: [target], steps: 4, probe, samples: 2)[0]
    // θ(t) of the first: 3, 2.5, 2, 1.5; mean 2.25; difference −2; mean scale 2.
    let values = faig.elements(as: Float.self)
    #expect(abs(values[0] - 2 * 2 * 2.25 * 2) < 1e-5)
    #expect(abs(values[1] - 2 * 2 * 0.75 * 2) < 1e-5)
    #expect(parameter.value.elements(as: Float.self) == [1, -2])
  }
}

private struct SquareProbe: CalibrationProbe {
  let parameter: Parameter
  let scales: [Double]
  var count: Int { scales.count }
  var parameters: [Parameter] { [parameter] }

  func gradients(sample: Int) -> Gradients {
    let value = parameter()
    return (value * value).sum().scaled(by: scales[sample]).gradients()
  }

  func inputs(
    samples: Range<Int>, _ show: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) {}
  func fineTune(steps: Int, learningRate: Double) {}
}
