import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("TLoRA")
struct TLoRATests {
  private typealias Matrix = [[Double]]

  private func product(_ a: Matrix, _ b: Matrix) -> Matrix {
    a.map { row in
      b[0].indices.map { column in
        row.indices.reduce(0) { $0 + row[$1] * b[$1][column] }
      }
    }
  }

  private func trace(_ matrices: [Matrix]) -> Double {
    let whole = matrices.dropFirst().reduce(matrices[0], product)
    return whole.indices.reduce(0) { $0 + whole[$1][$1] }
  }

  /// The matrix of a core `[2, count, 2]` at one number of its middle axis.
  private func matrix(_ core: Parameter, _ number: Int) -> Matrix {
    let count = core.elementCount / 4
    let values = core.value.doubles
    return (0..<2).map { a in (0..<2).map { b in values[(a * count + number) * 2 + b] } }
  }

  /// Digits of a number in mixed bases, the last changing fastest.
  private func digits(_ number: Int, _ bases: [Int]) -> [Int] {
    var rest = number
    return bases.reversed().map { base in
      defer { rest /= base }
      return rest % base
    }.reversed()
  }

  @Test("is W T + R with traces of products of cores")
  func rings() throws {
    let layers = try SmallLayers(
      TLoRA.self, [("cores", 3), ("transform_rank", 2), ("residual_rank", 2)])
    layers.perturb()
    func cores(_ name: String) throws -> [Parameter] {
      try (0..<3).map { try #require(layers.value("\(name).\($0)")) }
    }
    let (transform, up, down) = (
      try cores("tlora_transform"), try cores("tlora_out"), try cores("tlora_in")
    )
    let (columns, rows) = ([2, 2, 2], [2, 2, 3])
    let t = (0..<8).map { i in
      (0..<8).map { j in
        let (left, right) = (digits(i, columns), digits(j, columns))
        return trace((0..<3).map { matrix(transform[$0], left[$0] * 2 + right[$0]) })
      }
    }
    let weight = layers.layers[0].site.weight.value.doubles
    let wanted = (0..<96).map { place -> Float in
      let (row, column) = (place / 8, place % 8)
      let (left, right) = (digits(row, rows), digits(column, columns))
      let residual = trace(
        (0..<3).map { matrix(up[$0], left[$0]) } + (0..<3).map { matrix(down[$0], right[$0]) })
      let product = (0..<8).reduce(0) { $0 + weight[row * 8 + $1] * t[$1][column] }
      return Float(product + residual)
    }
    let expected = Tensor(wanted, shape: [12, 8])
    let found = try layers.layers[0].site.merged().weight
    #expect(found.largestDifference(from: expected) < 1e-5 * expected.largestMagnitude)
    #expect(try layers.change().largestMagnitude > 0.1)
  }

  @Test("starts as the base, and one step opens all rings of the transform")
  func start() throws {
    let layers = try SmallLayers(TLoRA.self, [("cores", 3), ("transform_rank", 2)])
    #expect(try layers.change().largestMagnitude < 1e-6)
    let x = FiniteDifferences.values([5, 8], seed: 1).cast(to: .f32)
    func gradients() -> Gradients {
      let y = layers.layers[0](x, .evaluation)
      return y.gradients(for: FiniteDifferences.values(y.shape, seed: 2).cast(to: .f32))
    }
    let first = gradients()
    for parameter in layers.adapter.parameters {
      let gradient = try #require(first[parameter.leaf])
      parameter.value = parameter.value - gradient.scaled(by: 0.1)
    }
    let found = gradients()
    for index in 0..<3 {
      let core = try #require(layers.value("tlora_transform.\(index)"))
      let gradient = try #require(found[core.leaf]).doubles
      for ring in 0..<4 {
        let (a, b) = (ring / 2, ring % 2)
        let part = (0..<4).map { abs(gradient[(a * 4 + $0) * 2 + b]) }
        #expect((part.max() ?? 0) > 1e-4, "core \(index), ring \(a) \(b)")
      }
    }
  }

  @Test("parts sizes into factors as equal as primes allow")
  func factors() {
    #expect(TLoRA.factors(of: 768, count: 3) == [8, 8, 12])
    #expect(TLoRA.factors(of: 2304, count: 2) == [48, 48])
    #expect(TLoRA.factors(of: 7, count: 3) == [1, 1, 7])
  }
}
