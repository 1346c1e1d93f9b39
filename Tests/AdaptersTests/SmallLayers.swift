import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport

/// Linear layers of one shape, `blocks.N.fc`, with one adapter on all of them.
struct SmallLayers {
  let tree: ModuleTree
  let layers: [Linear]
  let adapter: AttachedAdapter

  init(
    _ type: any AdapterMethod.Type, _ options: [(String, PlainValue)] = [], inputs: Int = 8,
    outputs: Int = 12, count: Int = 1, bias: Bool = true, seed: UInt64 = 3,
    settings change: (inout AdapterSettings) throws -> Void = { _ in }
  ) throws {
    let builder = ModelBuilder()
    layers = (0..<count).map {
      Linear(
        builder.root / "blocks" / $0 / "fc", inputs: inputs, outputs: outputs, bias: bias)
    }
    tree = builder.tree
    tree.initialize(seed: 4)
    for parameter in tree.parameters { parameter.isTrainable = false }
    var settings = AdapterSettings(name: "test", method: type.name)
    settings.targets = [try Pattern("fc")]
    try change(&settings)
    adapter = try AttachedAdapter(
      settings, method: try Self.method(type, options), on: tree, defaults: [], seed: seed)
  }

  /// The method with options of a recipe.
  static func method(
    _ type: any AdapterMethod.Type, _ options: [(String, PlainValue)]
  ) throws -> any AdapterMethod {
    try type.made(options)
  }

  /// W' − W of a layer.
  func change(_ index: Int = 0) throws -> Tensor {
    let site = layers[index].site
    return try site.merged().weight - site.weight.value
  }

  func value(_ name: String) -> Parameter? {
    (adapter.parameters + adapter.buffers).first { $0.path.hasSuffix(name) }
  }

  /// Moves all trained values away from where they start.
  func perturb() {
    for (index, parameter) in adapter.parameters.enumerated() {
      parameter.value =
        parameter.value
        + FiniteDifferences.values(parameter.shape, seed: 60 + index).scaled(by: 0.3).cast(to: .f32)
    }
  }
}

/// What a configuration of PEFT is refused for; nil where it is read.
func refusal(_ type: any AdapterMethod.Type, _ configuration: JSONObject) -> String? {
  do throws(UnsupportedConfiguration) {
    _ = try type.options(configuration)
    return nil
  } catch {
    return error.reason
  }
}

extension Tensor {
  var doubles: [Double] { detached().cast(to: .f64).elements(as: Double.self) }

  /// Euclidean norms of the rows of a matrix.
  var rowLengths: [Double] {
    (0..<shape[0]).map { sliced(axis: 0, $0..<($0 + 1)).sumOfSquares().squareRoot() }
  }
}

extension Double {
  /// 1 / (1 + e⁻ˣ).
  var logistic: Double { 1 / (1 + (-self).exponential) }
  /// eˣ.
  var exponential: Double { Tensor([self], shape: [1]).exponential().elements(as: Double.self)[0] }
}
