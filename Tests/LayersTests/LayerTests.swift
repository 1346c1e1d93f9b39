import Layers
import Synchronization
import Tensors
import TestSupport
import Testing

/// A delta with given values, for tests of the hook alone.
private struct FixedDelta: WeightDelta {
  let matrix: Tensor
  let parameters: [Parameter] = []
  func delta(_ layer: SiteRows) -> Tensor { matrix }
}

@Suite("Layers")
struct LayerTests {
  private func values(_ shape: [Int], seed: Int) -> Tensor {
    FiniteDifferences.values(shape, seed: seed).cast(to: .f32)
  }

  @Test("name their parameters by their place, with initial values from seed and path alone")
  func naming() throws {
    let builder = ModelBuilder()
    let linear = Linear(builder.root / "blocks" / 0 / "fc", inputs: 4, outputs: 3)
    #expect(builder.tree.parameters.map(\.path) == ["blocks.0.fc.weight", "blocks.0.fc.bias"])
    builder.tree.initialize(seed: 7)
    let first = linear.site.weight.value.elements(as: Float.self)
    builder.tree.initialize(seed: 7)
    #expect(linear.site.weight.value.elements(as: Float.self) == first)
    #expect(first.allSatisfy { abs($0) <= 0.5 } && Set(first).count > 6)
    builder.tree.initialize(seed: 8)
    #expect(linear.site.weight.value.elements(as: Float.self) != first)
  }

  @Test("treat a narrow input as padded with zeros", arguments: [true, false])
  func narrowInput(frozen: Bool) {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 6, outputs: 5)
    builder.tree.initialize(seed: 1)
    for parameter in builder.tree.parameters { parameter.isTrainable = !frozen }
    let x = values([2, 4], seed: 1)
    let narrow = layer(x, .evaluation, outputs: 3).elements(as: Float.self)
    let wide = layer(x.padded(axis: 1, before: 0, after: 2), .evaluation)
      .sliced(axis: 1, 0..<3).elements(as: Float.self)
    for (a, b) in zip(narrow, wide) { #expect(abs(a - b) < 1e-6) }
  }

  @Test("add deltas to the rows they stand on, and merge to the same output")
  func deltas() throws {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 4, outputs: 6)
    builder.tree.initialize(seed: 2)
    let x = values([3, 4], seed: 3)
    layer.site.attach(FixedDelta(matrix: values([2, 4], seed: 4)), rows: 3..<5)
    let adapted = layer(x, .evaluation).elements(as: Float.self)
    let merged = try layer.site.merged().weight
    layer.site.detachAll()
    let plain = layer(x, .evaluation).elements(as: Float.self)
    layer.site.weight.value = merged
    let folded = layer(x, .evaluation).elements(as: Float.self)
    for (a, b) in zip(adapted, folded) { #expect(abs(a - b) < 1e-6) }
    let changed = zip(adapted, plain).enumerated().filter { $1.0 != $1.1 }.map { $0.offset % 6 }
    #expect(Set(changed) == [3, 4])
  }

  @Test("convolve planes with a kernel stored with four axes as volumes of depth 1")
  func planarConvolution() {
    let builder = ModelBuilder()
    let planar = Convolution(
      builder.root / "planar", inputs: 4, outputs: 6, kernel: [3, 2],
      geometry: .planar(stride: 2, padding: 1, groups: 2))
    let spatial = Convolution(
      builder.root / "spatial", inputs: 4, outputs: 6, kernel: [1, 3, 2],
      geometry: ConvolutionGeometry(stride: [1, 2, 2], padding: [0, 1, 1], groups: 2))
    builder.tree.initialize(seed: 4)
    #expect(planar.site.weight.shape == [6, 2, 3, 2])
    #expect(planar.site.inputs == spatial.site.inputs)
    spatial.site.weight.value = planar.site.weight.value.reshaped(to: [6, 2, 1, 3, 2])
    spatial.site.bias?.value = values([6], seed: 6)
    planar.site.bias?.value = values([6], seed: 6)
    let x = values([2, 4, 7, 5], seed: 5)
    let plane = planar(x, .evaluation)
    #expect(plane.shape == [2, 6, 4, 3])
    let volume = spatial(x.reshaped(to: [2, 4, 1, 7, 5]), .evaluation)
    #expect(volume.reshaped(to: plane.shape).bits == plane.bits)
  }

  @Test("drop by sample, wherever the batch is cut")
  func dropout() {
    let dropout = Dropout(path: "drop", probability: 0.5)
    let x = Tensor(filledWith: 1, shape: [6, 40])
    let whole = dropout(x, .training(seed: 5, step: 3, samples: 0..<6)).elements(as: Float.self)
    let parts = [0..<2, 2..<6].flatMap { range in
      dropout(
        x.sliced(axis: 0, range), .training(seed: 5, step: 3, samples: range)
      ).elements(as: Float.self)
    }
    #expect(whole == parts)
    let dropped = whole.count { $0 == 0 }
    #expect((90...150).contains(dropped))
    #expect(dropout(x, .evaluation).elements(as: Float.self) == x.elements(as: Float.self))
  }

  @Test("drop whole channels of a sample, by sample")
  func channelDropout() throws {
    let dropout = Dropout(path: "drop", probability: 0.5)
    let x = Tensor(filledWith: 1, shape: [4, 16, 3, 2])
    let whole = dropout.channels(x, .training(seed: 5, step: 3, samples: 0..<4))
    let lines = whole.reshaped(to: [64, 6])
    for line in 0..<64 {
      let values = Set(lines.sliced(axis: 0, line..<(line + 1)).elements(as: Float.self))
      #expect(values == [0] || values == [2])
    }
    let second = dropout.channels(
      x.sliced(axis: 0, 2..<4), .training(seed: 5, step: 3, samples: 2..<4))
    #expect(second.bits == whole.sliced(axis: 0, 2..<4).bits)
    #expect(dropout.channels(x, .evaluation).bits == x.bits)
  }

  @Test("double maps by kernels as wide as their stride, and normalize channels and groups")
  func imageLayers() {
    let builder = ModelBuilder()
    let doubling = TransposedConvolution(
      builder.root / "up", inputs: 4, outputs: 6, kernel: [2, 2])
    let norm = LayerNorm2D(builder.root / "norm", channels: 6)
    let groups = GroupNorm(builder.root / "groups", groups: 3, channels: 6)
    builder.tree.initialize(seed: 3)
    #expect(builder.tree.parameters.map(\.shape) == [[4, 6, 2, 2], [6], [6], [6], [6], [6]])
    let y = doubling(values([2, 4, 3, 5], seed: 1))
    #expect(y.shape == [2, 6, 6, 10])
    let means = norm(y).averaged(over: [1])
    #expect(means.largestMagnitude < 1e-6)
    let grouped = groups(y).reshaped(to: [6, 2 * 60]).averaged(over: [1])
    #expect(grouped.largestMagnitude < 1e-5)
  }

  @Test("show outputs of layers to an observer, once even where blocks are computed again")
  func observation() throws {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "block" / "fc", inputs: 4, outputs: 4)
    let plane = Convolution(builder.root / "conv", inputs: 2, outputs: 1, kernel: [2, 2])
    builder.tree.initialize(seed: 1)
    let seen = Seen()
    var context = ForwardContext.evaluation.observing { path, value in seen.add(path, value) }
    context.checkpointsActivations = true
    let y = context.block(values([2, 4], seed: 1)) { layer($0, $1) }
    #expect(y.sum().gradients()[layer.site.weight.leaf] != nil)
    _ = plane(values([1, 2, 2, 2], seed: 2), context)
    #expect(seen.all.map(\.path) == ["block.fc", "conv"])
    #expect(seen.all[0].value.bits == y.bits)
    #expect(!seen.all[0].value.isTracked)
  }

  @Test("start with constants, given values, or normal values cut at two deviations")
  func initialValues() throws {
    let root = ModelBuilder().root
    func first(_ initialization: Initialization, count: Int) -> [Float] {
      let parameter = root.parameter("p\(count)", shape: [count], initialization)
      parameter.initialize(seed: 5)
      return parameter.value.elements(as: Float.self)
    }
    #expect(first(.constant(0.25), count: 3) == [0.25, 0.25, 0.25])
    #expect(first(.values([1, 2]), count: 2) == [1, 2])
    let drawn = first(.truncatedNormal(standardDeviation: 0.5), count: 2000)
    #expect(drawn.allSatisfy { abs($0) <= 1 } && drawn.contains { abs($0) > 0.9 })
    let linear = Linear(root / "fc", inputs: 50, outputs: 40, initialization: .constant(3))
    linear.site.weight.initialize(seed: 1)
    linear.site.bias?.initialize(seed: 1)
    #expect(linear.site.weight.value.elements(as: Float.self).allSatisfy { $0 == 3 })
    #expect(linear.site.bias?.value.elements(as: Float.self).allSatisfy { $0 == 0 } == true)
  }
}

/// What an observer was shown.
private final class Seen: Sendable {
  private let values = Mutex<[(path: String, value: Tensor)]>([])
  var all: [(path: String, value: Tensor)] { values.withLock { $0 } }
  func add(_ path: String, _ value: Tensor) { values.withLock { $0.append((path, value)) } }
}
