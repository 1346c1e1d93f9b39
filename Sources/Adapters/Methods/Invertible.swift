package import Layers
package import Recipes
import Tensors

/// An invertible change of what a layer gives, meant for the patch embedding (invertible adapters, MAD-X,
/// arXiv 2005.00052; couplings of NICE, arXiv 1410.8516).
///
/// The features y of a place are parted into a first half y₁ (⌈C/2⌉) and the rest y₂: y₁' = y₁ + F(y₂),
/// y₂' = y₂ + G(y₁'). F and G are bottlenecks U φ(D · + d) + u with φ GELU, D Xavier uniform and U, biases
/// zero at first. Backwards, y₂ = y₂' − G(y₁'), y₁ = y₁' − F(y₂). The reference inverts at the output, where
/// tied embeddings give words back; images have no such output, so that only the embedding is changed
/// here. Stands on linear layers and convolutions: `target_modules: [patch_embed.proj]`.
package struct Invertible: RecordsOptions {
  package static let name = "invertible"
  package static let summary = "couplings of the two halves of an embedding's features (MAD-X)"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "h", .integer, default: 16, range: .atLeast(1), "Width of the two bottlenecks."),
    Option(
      "activation", .choice(BottleneckActivation.self), default: "gelu",
      "Function between the two maps."),
  ]
  package static let peftType = "INVERTIBLE"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .rows, .zeroStart,
  ]

  package let reader: OptionReader
  private let hidden: Int
  private let activation: BottleneckActivation

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    hidden = max(1, options.int("h"))
    activation = options.choice("activation", as: BottleneckActivation.self)
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let features = target.rows.count
    guard features > 1 else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "one feature has no two halves. Leave it out of target_modules")
    }
    let (first, second) = ((features + 1) / 2, features / 2)
    func bottleneck(_ name: String, _ inputs: Int, _ outputs: Int) -> CouplingMap {
      func map(
        _ part: String, _ inputs: Int, _ outputs: Int, _ start: Initialization
      ) -> LinearMap {
        LinearMap(
          weight: target.parameter("invertible_\(name).\(part).weight", [outputs, inputs], start),
          bias: target.parameter("invertible_\(name).\(part).bias", [outputs], .zeros))
      }
      return CouplingMap(
        down: map("down", inputs, hidden, .xavier(inputs: inputs, outputs: hidden)),
        up: map("up", hidden, outputs, .zeros), activation: activation)
    }
    return Coupling(
      first: first, toFirst: bottleneck("F", second, first),
      toSecond: bottleneck("G", first, second))
  }

  /// 2 h C + 2 h + C.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let features = target.rows.count
    return 2 * hidden * features + 2 * hidden + features
  }
}

/// U φ(D x + d) + u on the last axis.
private struct CouplingMap: Sendable {
  let down: LinearMap
  let up: LinearMap
  let activation: BottleneckActivation

  var parameters: [Parameter] { down.parameters + up.parameters }

  func callAsFunction(_ x: Tensor) -> Tensor { up(activation(down(x))) }
}

private struct Coupling: Branch {
  /// Features of the first half.
  let first: Int
  let toFirst: CouplingMap
  let toSecond: CouplingMap

  var parameters: [Parameter] { toFirst.parameters + toSecond.parameters }

  func output(
    _ y: Tensor, input x: Tensor, of layer: SiteRows, context: ForwardContext
  ) -> Tensor {
    let (axis, last) = (layer.outputAxis(y), y.rank - 1)
    var order = Array(0..<y.rank)
    order.remove(at: axis)
    order.append(axis)
    let features = axis == last ? y : y.permuted(order)
    let count = features.shape[last]
    let rest = features.sliced(axis: last, first..<count)
    let head = features.sliced(axis: last, 0..<first) + toFirst(rest)
    let changed = Tensor.concatenated([head, rest + toSecond(head)], axis: last)
    guard axis != last else { return changed }
    let back = order.indices.map { place in order.firstIndex(of: place) ?? place }
    return changed.permuted(back)
  }

  func merged(
    _ weight: Tensor, _ bias: Tensor?, _ layer: SiteRows
  ) throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?) {
    throw UnmergeableDelta(
      "the couplings are not linear, so that no weight can stand for them. Keep the adapter beside "
        + "the model")
  }
}
