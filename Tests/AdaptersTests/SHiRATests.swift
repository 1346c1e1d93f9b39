import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SHiRA")
struct SHiRATests {
  @Test("draws different places in order, from its seed or the run's")
  func places() throws {
    func indices(_ options: [(String, PlainValue)], seed: UInt64) throws -> [Int] {
      let layers = try SmallLayers(SHiRA.self, [("r", 2)] + options, seed: seed)
      return try #require(layers.value("shira_indices")).value.integers
    }
    let found = try indices([("random_seed", 5)], seed: 1)
    let numbers = (0..<40).map { found[$0] * 8 + found[40 + $0] }
    #expect(numbers == Set(numbers).sorted())
    var generator = TorchGenerator(seed: 5)
    #expect(numbers == generator.permutation(of: 96, first: 40).sorted())
    #expect(try indices([("random_seed", 5)], seed: 2) == found)
    #expect(try indices([], seed: 1) == indices([], seed: 1))
    #expect(try indices([], seed: 1) != indices([], seed: 2))
  }

  /// Places of a layer `[12, 8]`, row by row, with the weight.
  private func chosen(
    _ mask: String, rank: Int = 1, gradient: Tensor? = nil
  ) throws -> (places: [Int], weight: Tensor) {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 8, outputs: 12)
    builder.tree.initialize(seed: 1)
    let probe = gradient.map {
      SampleProbe(parameters: [layer.site.weight], gradients: [$0], inputs: [], count: 3)
    }
    var settings = AdapterSettings(name: "test", method: "shira")
    settings.targets = [try Pattern("fc")]
    let adapter = try AttachedAdapter(
      settings, method: try SHiRA.made([("r", .integer(rank)), ("mask_type", .text(mask))]),
      on: builder.tree, defaults: [], seed: 7, probe: probe)
    let numbers = adapter.buffers[0].value.integers
    let count = numbers.count / 2
    #expect(adapter.parameters[0].shape == [count])
    return ((0..<count).map { numbers[$0] * 8 + numbers[count + $0] }, layer.site.weight.value)
  }

  /// Places of the 20 largest magnitudes, in order.
  private func largest(_ values: Tensor) -> [Int] {
    let sizes = values.doubles.map { abs($0) }
    return sizes.indices.sorted { sizes[$0] > sizes[$1] }.prefix(20).sorted()
  }

  @Test("takes the largest weights, gradients, or products of both")
  func scores() throws {
    let gradient = FiniteDifferences.values([12, 8], seed: 3).cast(to: .f32)
    let byWeight = try chosen("wm")
    #expect(byWeight.places == largest(byWeight.weight))
    #expect(try chosen("grad", gradient: gradient).places == largest(gradient))
    let byBoth = try chosen("snip", gradient: gradient)
    #expect(byBoth.places == largest(gradient * byBoth.weight))
    #expect(Set([byWeight.places, largest(gradient), byBoth.places]).count == 3)
    #expect(try chosen("grad").places == chosen("random").places, "nothing to look at")
  }

  @Test("takes the diagonal and whole columns and rows")
  func lines() throws {
    let places = Set(try chosen("struct", rank: 2).places)
    #expect(places.count == 40)
    for index in 0..<8 { #expect(places.contains(index * 9)) }
    let rows = (0..<12).filter { row in (0..<8).allSatisfy { places.contains(row * 8 + $0) } }
    let columns = (0..<8).filter { column in
      (0..<12).allSatisfy { places.contains($0 * 8 + column) }
    }
    #expect(rows.count >= 1 && columns.count >= 1)
    let others = places.filter {
      $0 % 9 != 0 && !rows.contains($0 / 8) && !columns.contains($0 % 8)
    }
    // What is left is the beginning of one line.
    #expect(Set(others.map { $0 / 8 }).count <= 1 || Set(others.map { $0 % 8 }).count <= 1)
  }

  @Test("refuses more entries than the weight has")
  func count() {
    let error = #expect(throws: AdapterError.self) { _ = try SmallLayers(SHiRA.self, [("r", 6)]) }
    #expect(error?.description.contains("120 entries") == true)
  }
}
