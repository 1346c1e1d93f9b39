import Dispatch
import Layers
import Tensors

/// The rate of large products with frozen matrices, by the code that frozen layers of a model use.
///
/// What a whole step is held against: measured in the same process before and after the timed steps,
/// on as many threads at once.
struct ProductCeiling {
  /// Rows of the measured products.
  static let rows = 1024
  /// Runs of each shape, the best of which counts.
  private static let runs = 12
  /// Shortest run in seconds.
  private static let shortestRun = 0.004

  private let layers: [Linear]

  /// Takes the shapes of the model's linear layers with the largest weights, three at most.
  init(of tree: ModuleTree) {
    var shapes: Set<[Int]> = []
    for site in tree.sites where site.kind == .linear {
      shapes.insert([site.inputs, site.outputs])
    }
    let largest = shapes.sorted { ($0[0] * $0[1], $0[0]) > ($1[0] * $1[1], $1[0]) }.prefix(3)
    let builder = ModelBuilder()
    layers = largest.enumerated().map {
      Linear(builder.root / $0, inputs: $1[0], outputs: $1[1], bias: false)
    }
    for parameter in builder.tree.parameters {
      parameter.initialize(seed: 0)
      parameter.isTrainable = false
    }
  }

  /// Best rate of one of `threads` threads that work side by side, in 10⁹ operations per second.
  func measured(threads: Int, _ precision: Precision) -> Double {
    layers.reduce(0) { max($0, rate(of: $1, threads: threads, precision)) }
  }

  private func rate(of layer: Linear, threads: Int, _ precision: Precision) -> Double {
    let (inputs, outputs) = (layer.site.inputs, layer.site.outputs)
    var inPrecision = ForwardContext.evaluation
    inPrecision.precision = precision
    let context = inPrecision
    let type = context.innerType(Tensor(zeros: []))
    let x = benchNoise([Self.rows, inputs]).cast(to: type)
    let operations = 2 * Double(Self.rows) * Double(inputs) * Double(outputs)
    func seconds(products: Int) -> Double {
      let start = ContinuousClock.now
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        for _ in 0..<products { _ = layer(x, context, type: type) }
      }
      return (ContinuousClock.now - start) / .seconds(1)
    }
    _ = seconds(products: 1)
    let products = max(1, Int((Self.shortestRun / max(1e-9, seconds(products: 1))).rounded(.up)))
    let best = (0..<Self.runs).map { _ in seconds(products: products) }.min() ?? .infinity
    return operations * Double(products) / best * 1e-9
  }
}
