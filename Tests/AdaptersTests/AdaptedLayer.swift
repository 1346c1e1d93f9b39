import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

/// Kinds of weights that an adapter can stand on.
enum Place: String, CaseIterable, Sendable {
  case linear, rows, convolution2D, convolution3D, groupedConvolution
}

/// An adaptation method of the registry at one kind of weight.
struct AdapterCase: Sendable, CustomTestStringConvertible {
  let method: any AdapterMethod.Type
  let place: Place
  var testDescription: String { "\(method.name) on \(place.rawValue)" }

  /// Every method at every place where it can stand.
  static let all = adapterMethods.entries.flatMap { method in
    let places = linearOnly.contains(method.name) ? [.linear, .rows] : Place.allCases
    return places.map { AdapterCase(method: method, place: $0) }
  }

  /// Those that a changed weight can replace.
  static let mergeable = all.filter { !dependingOnInput.contains($0.method.name) }

  private static let linearOnly: Set = [GatedLoRA.name]
  private static let dependingOnInput: Set = [GatedLoRA.name]

  /// The method with rank 4 and scaling 1.5, where it has such options.
  func makeMethod() throws -> any AdapterMethod {
    let wanted: [(String, PlainValue)] = [("r", 4), ("alpha", 6)]
    let fields = wanted.filter { method.options.names.contains($0.0) }
      .map { PlainValue.Field($0.0, $0.1) }
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(plain: .map(fields), at: SourceLocation(source: "test")), method.options, diagnostics)
    let made = method.init(reader, diagnostics)
    try diagnostics.throwErrors()
    return made
  }
}

/// One layer with an adapter, and an input for it.
struct AdaptedLayer: Sendable {
  let site: AdaptationSite
  let adapter: AttachedAdapter
  let input: Tensor
  /// Output of the layer before the adapter was attached.
  let plainOutput: Tensor
  private let forward: @Sendable (Tensor) -> Tensor

  init(_ wanted: AdapterCase) throws {
    let builder = ModelBuilder()
    let scope = builder.root / "block" / 0 / "layer"
    var pattern = "layer"
    switch wanted.place {
    case .linear, .rows:
      let layer = Linear(
        scope, inputs: 7, outputs: 12, rowNames: [("q", 0..<4), ("k", 4..<8), ("v", 8..<12)])
      if wanted.place == .rows { pattern = "layer[q,v]" }
      input = FiniteDifferences.values([3, 7], seed: 1).cast(to: .f32)
      site = layer.site
      forward = { layer($0, .evaluation) }
    case .convolution2D:
      let layer = Convolution(
        scope, inputs: 4, outputs: 6, kernel: [3, 3], geometry: .planar(padding: 1))
      input = FiniteDifferences.values([2, 4, 5, 6], seed: 2).cast(to: .f32)
      site = layer.site
      forward = { layer($0, .evaluation) }
    case .convolution3D:
      let layer = Convolution(
        scope, inputs: 2, outputs: 6, kernel: [3, 3, 3],
        geometry: ConvolutionGeometry(stride: [2, 1, 1], padding: [1, 1, 1]))
      input = FiniteDifferences.values([1, 2, 4, 3, 3], seed: 3).cast(to: .f32)
      site = layer.site
      forward = { layer($0, .evaluation) }
    case .groupedConvolution:
      let layer = Convolution(
        scope, inputs: 4, outputs: 6, kernel: [3, 3], geometry: .planar(padding: 1, groups: 2))
      input = FiniteDifferences.values([2, 4, 4, 5], seed: 4).cast(to: .f32)
      site = layer.site
      forward = { layer($0, .evaluation) }
    }
    builder.tree.initialize(seed: 9)
    for parameter in builder.tree.parameters { parameter.isTrainable = false }
    plainOutput = forward(input)
    var settings = AdapterSettings(name: "test", method: wanted.method.name)
    settings.targets = [try Pattern(pattern)]
    adapter = try AttachedAdapter(
      settings, method: try wanted.makeMethod(), on: builder.tree, defaults: [], seed: 21)
  }

  /// Output for the input, or for another one.
  func output(for other: Tensor? = nil) -> Tensor { forward(other ?? input) }

  /// Moves all trainable values away from where they start.
  func perturb() {
    for (index, parameter) in adapter.parameters.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: 50 + index)
        .scaled(by: 0.5).cast(to: .f32)
    }
  }

  /// Brings all values to double precision.
  func widen() {
    for parameter in adapter.parameters + [site.weight] + [site.bias].compactMap({ $0 }) {
      parameter.value = parameter.value.cast(to: .f64)
    }
  }
}
