package import Layers
package import Tensors

/// A field û(x; θ, φ) whose low-rank updates follow time and parameters: continuous low-rank adaptation of
/// an implicit network for reduced models of PDEs (CoLoRA, arXiv 2402.14646, section 3).
///
/// A periodic layer and C-layers h ↦ h (W + (A ∘ α) B) + b between swish activations, none after the
/// last: W `[D, K]`, A `[D, r]`, B `[r, K]`, rows as vectors. The latent state φ `[q]` holds the α of all
/// C-layers, one number each or r with `isFull`, in the order of the layers' names as text (layer 10
/// before layer 2, as in the reference). A hypernetwork of dense layers gives φ from (μ, t). The periodic
/// layer's features are means over the axes of a cos(2π x/period + c) + b.
///
/// There is no base model: θ and the hypernetwork's ψ are trained together, and a weight stands for
/// the network at one φ alone. Names are the reference's (`theta.CoLoRA_0.W`, `psi.Dense_0.kernel`).
package struct CoLoRAField: Sendable {
  /// Sizes of the network.
  package struct Configuration: Sendable, Equatable {
    /// Axes of x with the period of each.
    package var periods: [Double]
    /// Components of the field.
    package var fields: Int
    /// Numbers that the state follows: parameters and time.
    package var conditions: Int
    package var width: Int
    package var layers: Int
    package var rank: Int
    /// Whether α has a number for each rank, not one for all.
    package var isFull: Bool
    package var hyperWidth: Int
    package var hyperLayers: Int

    package init(
      periods: [Double], fields: Int, conditions: Int, width: Int, layers: Int, rank: Int,
      isFull: Bool, hyperWidth: Int, hyperLayers: Int
    ) {
      self.periods = periods
      self.fields = fields
      self.conditions = conditions
      self.width = width
      self.layers = layers
      self.rank = rank
      self.isFull = isFull
      self.hyperWidth = hyperWidth
      self.hyperLayers = hyperLayers
    }

    /// q.
    package var latentSize: Int { layers * (isFull ? rank : 1) }
  }

  /// A map whose low-rank part the state turns up and down.
  private struct Layer: Sendable {
    let weight: Parameter
    let down: Parameter
    let up: Parameter
    let bias: Parameter
  }

  package let configuration: Configuration
  private let amplitude: Parameter
  private let offset: Parameter
  private let phase: Parameter
  private let layers: [Layer]
  private let hyper: [(kernel: Parameter, bias: Parameter)]
  /// Place of each layer's α in φ.
  private let places: [Int]

  /// First values are the reference's: LeCun normal but for B and biases, which are zero, so that
  /// a new field does not depend on its state.
  package init(_ configuration: Configuration, in scope: Scope) {
    precondition(
      configuration.layers > 0 && configuration.hyperLayers > 0, "a field without layers")
    self.configuration = configuration
    let (width, rank) = (configuration.width, configuration.rank)
    let (theta, psi) = (scope / "theta", scope / "psi")
    let periodic = theta / "Periodic_0"
    func wave(_ name: String) -> Parameter {
      periodic.parameter(name, shape: [width, configuration.periods.count], .lecunNormal(width))
    }
    (amplitude, offset, phase) = (wave("a"), wave("b"), wave("c"))
    layers = (0..<configuration.layers).map { index in
      let outputs = index == configuration.layers - 1 ? configuration.fields : width
      let place = theta / "CoLoRA_\(index)"
      return Layer(
        weight: place.parameter("W", shape: [width, outputs], .lecunNormal(width)),
        down: place.parameter("A", shape: [width, rank], .lecunNormal(width)),
        up: place.parameter("B", shape: [rank, outputs], .zeros),
        bias: place.parameter("b", shape: [outputs], .zeros))
    }
    hyper = (0..<configuration.hyperLayers).map { index in
      let inputs = index == 0 ? configuration.conditions : configuration.hyperWidth
      let isLast = index == configuration.hyperLayers - 1
      let outputs = isLast ? configuration.latentSize : configuration.hyperWidth
      let place = psi / "Dense_\(index)"
      return (
        place.parameter("kernel", shape: [inputs, outputs], .lecunNormal(inputs)),
        place.parameter("bias", shape: [outputs], .zeros)
      )
    }
    let order = (0..<configuration.layers).sorted { "CoLoRA_\($0)" < "CoLoRA_\($1)" }
    var places = [Int](repeating: 0, count: configuration.layers)
    for (place, layer) in order.enumerated() { places[layer] = place }
    self.places = places
  }

  /// φ `[pairs, q]` of conditions `[pairs, conditions]`, normalized as the caller's data are.
  package func latent(_ conditions: Tensor) -> Tensor {
    var state = conditions
    for (index, layer) in hyper.enumerated() {
      state = matrixProduct(state, layer.kernel()) + layer.bias()
      if index < hyper.count - 1 { state = state.silu() }
    }
    return state
  }

  /// Weights of the C-layers at a state φ `[q]`, each `[D, K]`: all that is left of the low-rank parts.
  package func weights(at state: Tensor) -> [Tensor] {
    let rank = configuration.rank
    let size = configuration.isFull ? rank : 1
    return zip(layers, places).map { layer, place in
      let alpha = state.sliced(axis: 0, (place * size)..<((place + 1) * size))
      let scaled = layer.down() * (size == rank ? alpha : alpha.expanded(to: [rank]))
      return layer.weight() + matrixProduct(scaled, layer.up())
    }
  }

  /// û at points `[points, axes]` for the weights of a state, `[points, fields]`.
  package func values(at points: Tensor, weights: [Tensor]) -> Tensor {
    var hidden = waves(points).silu()
    for (index, weight) in weights.enumerated() {
      hidden = matrixProduct(hidden, weight) + layers[index].bias()
      if index < weights.count - 1 { hidden = hidden.silu() }
    }
    return hidden
  }

  /// û at points `[points, axes]` for each of the states `[pairs, q]`, `[pairs, points, fields]`.
  package func values(at points: Tensor, states: Tensor) -> Tensor {
    let parts = (0..<states.shape[0]).map { pair in
      let state = states.sliced(axis: 0, pair..<(pair + 1)).reshaped(to: [states.shape[1]])
      let values = values(at: points, weights: weights(at: state))
      return values.reshaped(to: [1] + values.shape)
    }
    return Tensor.concatenated(parts, axis: 0)
  }

  /// The periodic layer, `[points, width]`.
  private func waves(_ points: Tensor) -> Tensor {
    let (count, axes, width) = (points.shape[0], points.shape[1], configuration.width)
    let rates = Tensor(configuration.periods.map { 2 * Double.pi / $0 }, shape: [axes])
    let angles = (points * rates.cast(to: points.dtype)).reshaped(to: [count, 1, axes])
      .expanded(to: [count, width, axes])
    return ((angles + phase()).cosine() * amplitude() + offset())
      .averaged(over: [2]).reshaped(to: [count, width])
  }
}

/// The mean over pairs of ‖u − û‖/‖u‖ over points and fields, of fields `[pairs, points, fields]`: CoLoRA's
/// loss.
package func meanRelativeError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
  let pairs = target.shape[0]
  func norms(_ values: Tensor) -> Tensor {
    (values * values).summed(over: [1, 2]).reshaped(to: [pairs]).squareRoot()
  }
  let difference = prediction + target.scaled(by: -1)
  return (norms(difference) * norms(target).reciprocal()).sum().scaled(by: 1 / Double(pairs))
}

extension Initialization {
  /// Normal with variance 1/count, cut at two deviations of the normal that is cut, whose variance the
  /// cutting makes smaller: JAX's `lecun_normal`.
  fileprivate static func lecunNormal(_ count: Int) -> Initialization {
    .truncatedNormal(
      standardDeviation: 1 / Double(count).squareRoot() / 0.87962566103423978)
  }
}
