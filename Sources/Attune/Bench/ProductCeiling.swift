import Dispatch
import Layers
import Synchronization
import Tensors

/// The rate of large products with frozen matrices, by the code that frozen layers of a model use.
///
/// What a step is held against: measured in the same process right before and after each timed step,
/// on as many threads at once, as a sustained rate and not the best moment, since the clock and the
/// neighbors of a shared machine change by the second.
struct ProductCeiling {
  /// Rows of the measured products.
  static let rows = 1024
  /// Seconds of one measurement.
  private static let duration = 0.25

  private let layers: [Linear]
  private let inputs: [Tensor]
  private let context: ForwardContext
  private let type: DType

  /// Takes the shapes of the model's linear layers with the largest weights, three at most.
  init(of tree: ModuleTree, _ precision: Precision) {
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
    var context = ForwardContext.evaluation
    context.precision = precision
    let type = context.innerType(Tensor(zeros: []))
    inputs = layers.map { benchNoise([Self.rows, $0.site.inputs]).cast(to: type) }
    (self.context, self.type) = (context, type)
  }

  /// Mean rate of one of `threads` threads that work side by side, in 10⁹ operations per second.
  func measured(threads: Int) -> Double {
    let operations = layers.reduce(0.0) {
      $0 + 2 * Double(Self.rows) * Double($1.site.inputs) * Double($1.site.outputs)
    }
    let clock = ContinuousClock()
    let rates = Mutex([Double](repeating: 0, count: threads))
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      let start = clock.now
      var (count, seconds) = (0.0, 0.0)
      while seconds < Self.duration {
        Allocator.withLane(thread) {
          for (layer, x) in zip(layers, inputs) { _ = layer(x, context, type: type) }
        }
        count += 1
        seconds = (clock.now - start) / .seconds(1)
      }
      let rate = operations * count / seconds * 1e-9
      rates.withLock { $0[thread] = rate }
    }
    return rates.withLock { $0.reduce(0, +) } / Double(threads)
  }
}
