import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

/// One block with a method, whose sublayers get values of the tests.
struct AdaptedBlock {
  let block: BlockSite
  let adapter: AttachedAdapter

  /// A block `block` with the method, its values moved from where they start where `moves`.
  init(
    _ method: any AdapterMethod.Type, _ fields: [(String, PlainValue)], width: Int = 8,
    moves: Bool = false
  ) throws {
    let builder = ModelBuilder()
    block = (builder.root / "block").block(width: width)
    adapter = try AttachedAdapter(
      AdapterSettings(name: "test", method: method.name), method: try method.made(fields),
      targets: [], blocks: [BlockTarget(site: block)], seed: 5)
    guard moves else { return }
    for (index, parameter) in adapter.parameters.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: index).cast(to: .f32)
    }
  }

  /// What the MLP adds, all of whose values are the test's.
  func mlp(
    _ z: Tensor, normalized: Tensor? = nil, stream: Tensor? = nil,
    _ context: ForwardContext = .evaluation
  ) -> Tensor {
    block.adapted(z, .mlp, normalized: normalized ?? z, stream: stream ?? z, context)
  }

  /// Places whose output changes when the token at a place does.
  func reach(of token: Int, count: Int, _ context: ForwardContext = .evaluation) -> [Int] {
    let x = FiniteDifferences.values([1, count, block.width], seed: 8).cast(to: .f32)
    let moved = FiniteDifferences.values([1, 1, block.width], seed: 9).cast(to: .f32)
      .padded(axis: 1, before: token, after: count - 1 - token)
    let zeros = Tensor(zeros: x.shape)
    let change = mlp(zeros, normalized: x + moved, context) - mlp(zeros, normalized: x, context)
    return (0..<count).filter { change.sliced(axis: 1, $0..<($0 + 1)).largestMagnitude > 1e-4 }
  }
}

@Suite("Bottlenecks")
struct BottleneckTests {
  @Test(
    "read and keep what their placement says",
    arguments: [
      (Houlsby.self, true, 1 + 2.0), (Houlsby.self, false, 2), (Pfeiffer.self, true, 1 + 2),
      (Parallel.self, true, 1 + 2 * 10), (AdaptFormer.self, true, 1 + 2 * 100),
    ] as [(any AdapterMethod.Type, Bool, Double)])
  func placement(method: any AdapterMethod.Type, residual: Bool, expected: Double) throws {
    var fields: [(String, PlainValue)] = [
      ("h", 8), ("activation", "identity"), ("scale", .number(2)),
    ]
    if !residual { fields.append(("residual", false)) }
    let adapted = try AdaptedBlock(method, fields)
    for parameter in adapted.adapter.parameters where parameter.shape.count == 2 {
      parameter.value = Tensor(
        (0..<64).map { $0 % 9 == 0 ? 1 : 0 as Float }, shape: parameter.shape)
    }
    let ones = Tensor(filledWith: 1, shape: [2, 3, 8])
    let found = adapted.mlp(
      ones, normalized: ones.scaled(by: 10), stream: ones.scaled(by: 100))
    #expect(found.largestDifference(from: ones.scaled(by: expected)) < 1e-4)
  }

  @Test("name their values as the references do")
  func names() throws {
    func modules(_ method: any AdapterMethod.Type) throws -> [String] {
      var found: [String] = []
      for parameter in try AdaptedBlock(method, []).adapter.parameters {
        let module = parameter.path.split(separator: ".").dropLast().joined(separator: ".")
        if !found.contains(module) { found.append(module) }
      }
      return found
    }
    let audio = ["linear_downsample", "linear_upsample"]
    let behindMLP = audio.map { "block.adapter_module_FFN." + $0 }
    let both = audio.map { "block.adapter_module_MHSA." + $0 } + behindMLP
    #expect(try modules(Houlsby.self) == both)
    #expect(try modules(Pfeiffer.self) == behindMLP)
    #expect(try modules(Parallel.self) == both)
    #expect(
      try modules(AdaptFormer.self)
        == ["block.adapter_mlp.adapter_down", "block.adapter_mlp.adapter_up"])
  }

  @Test("drop before the second map in training alone")
  func dropout() throws {
    let adapted = try AdaptedBlock(
      AdaptFormer.self, [("h", 4), ("dropout", .number(0.5))], moves: true)
    let x = FiniteDifferences.values([2, 3, 8], seed: 3).cast(to: .f32)
    let context = ForwardContext.training(seed: 1, step: 0, samples: 0..<2)
    #expect(adapted.mlp(x).bits == adapted.mlp(x).bits)
    #expect(adapted.mlp(x, context).largestDifference(from: adapted.mlp(x)) > 0.01)
  }

  @Test("answer half precision in single precision")
  func halfPrecision() throws {
    let adapted = try AdaptedBlock(Parallel.self, [("h", 4)], moves: true)
    let x = FiniteDifferences.values([2, 3, 8], seed: 3).cast(to: .f32)
    let half = x.converted(to: .bf16)
    let found = adapted.mlp(half, normalized: half, stream: x)
    #expect(found.dtype == .f32)
    #expect(found.largestDifference(from: adapted.mlp(x)) < 0.05)
  }
}
