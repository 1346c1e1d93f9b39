import Adapters
import Layers
import Recipes
import Tensors

/// Calibration data that are known: gradients of which each sample has its share, and inputs of layers.
struct SampleProbe: CalibrationProbe {
  let parameters: [Parameter]
  /// Sums over all samples, of the first parameters.
  let gradients: [Tensor]
  /// By sample.
  let inputs: [[(path: String, input: Tensor)]]
  let count: Int

  func gradients(sample: Int) -> Gradients {
    precondition(sample < count)
    var found = Gradients()
    for (parameter, sum) in zip(parameters, gradients) {
      found[parameter.leaf] = sum.scaled(by: 1 / Double(count))
    }
    return found
  }

  func inputs(
    samples: Range<Int>, _ show: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) {
    for sample in samples { for item in inputs[sample] { show(item.path, item.input) } }
  }

  func fineTune(steps: Int, learningRate: Double) {}
}

/// An initialization with options of a recipe.
func initialization(
  _ type: any AdapterInitialization.Type, _ options: [(String, PlainValue)]
) throws -> any AdapterInitialization {
  let start = type
  return try made(start.options, options) { start.init($0, $1) }
}
