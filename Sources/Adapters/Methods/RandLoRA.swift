package import Formats
package import Layers
package import Recipes
package import Tensors

/// Full-rank sum of scaled random low-rank bases (RandLoRA, arXiv 2502.00987, equation 3; as in PEFT
/// 0.21.2, `RANDLORA`): ΔW = (α/r) Σ_b B_b Λ_b A Γ_b.
///
/// With s the smaller and l the larger side of the weight and n = ⌈s/r⌉ bases, `randlora_lambda` is
/// `[r, n]`, zero at first, `randlora_gamma` `[n, s]`, 1/max(n, s) at first; `randlora_A`
/// `[r, 1, max s]` and `randlora_B` `[max l, max n, r]` are frozen and shared. PEFT pairs the inner
/// indices of the two factors in different orders (rank outside in A, inside in B); so does this. The
/// sum is transposed where the inputs are the larger side. PEFT writes copies of the shared matrices below
/// every module as well, and so does this.
package struct RandLoRA: PEFTMethod {
  package static let name = "randlora"
  package static let summary = "full-rank update of scaled random bases (RandLoRA)"
  package static let options: OptionTable = [
    .rank(32), .alpha(640, aliases: ["randlora_alpha"]),
    Option(
      "projection_prng_key", .integer, default: 0, range: .atLeast(0), "Seed of the random bases."),
    .dropout("randlora_dropout"),
  ]
  package static let peftType = "RANDLORA"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "randlora_only"

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let key: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    key = options.int("projection_prng_key")
    fields = PEFTFields.object(
      options, renamed: ["alpha": "randlora_alpha", "dropout": "randlora_dropout"],
      PEFTFields.layers,
      [
        "fan_in_fan_out": false, "init_weights": true, "save_projection": true, "sparse": false,
        "very_sparse": false,
      ])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    try requireOneRank(targets)
    let rank = lowRank?.rank ?? 1
    let inputs = targets.reduce(1) { max($0, $1.inputs) }
    let outputs = targets.reduce(1) { max($0, $1.rows.count) }
    let count = Self.bases(min(inputs, outputs), rank)
    var generator = TorchGenerator(seed: key)
    let a = shared.buffer(
      "randlora_A",
      Self.standardized(
        generator.kaiming(rows: rank, columns: min(inputs, outputs)),
        shape: [rank, 1, min(inputs, outputs)]))
    let b = shared.buffer(
      "randlora_B",
      Self.standardized(
        generator.kaiming(rows: max(inputs, outputs) * count, columns: rank),
        shape: [max(inputs, outputs), count, rank]))
    return targets.map { target in
      let small = min(target.inputs, target.rows.count)
      let bases = Self.bases(small, rank)
      return RandLoRADelta(
        lambda: target.parameter("randlora_lambda", [rank, bases], .zeros),
        gamma: target.parameter(
          "randlora_gamma", [bases, small], .constant(1 / Double(max(bases, small)))),
        a: a, b: b, isTransposed: target.inputs > target.rows.count, scaling: target.scaling,
        dropout: target.inputDropout)
    }
  }

  /// n (r + s).
  package func trainableCount(for target: AdapterTarget) -> Int {
    let small = min(target.inputs, target.rows.count)
    return Self.bases(small, target.rank) * (target.rank + small)
  }

  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    if configuration["save_projection"]?.bool == false {
      throw UnsupportedConfiguration(
        "save_projection is false, and the random bases that PEFT draws depend on the machine. Save "
          + "the adapter again with save_projection: true")
    }
    return namedOptions(configuration)
  }

  package func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    module.modules.flatMap { target, change in
      change.parameters.map { StoredValue($0.path, $0.value) }
        + Self.copies(change).map { StoredValue(target.path(to: $0.name), $0.shared.value) }
    }
  }

  /// Copies have the shape of what they copy; a file may lack them.
  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for (target, change) in module.modules {
      for parameter in change.parameters { values[parameter.path] = try value(parameter.path) }
      for (name, shared) in Self.copies(change) {
        if !target.stored.isEmpty, target.stored[name] == nil { continue }
        let found = try value(target.path(to: name))
        guard found.shape == shared.shape else {
          throw AdapterError.wrongShape(
            path: "the adapter", key: target.path(to: name), expected: shared.shape,
            found: found.shape)
        }
      }
    }
    return values
  }

  private static func copies(_ change: any SiteChange) -> [(name: String, shared: Parameter)] {
    (change as? RandLoRADelta).map { [("randlora_A", $0.a), ("randlora_B", $0.b)] } ?? []
  }

  private static func bases(_ size: Int, _ rank: Int) -> Int { (size + rank - 1) / rank }

  /// Divided by the standard deviation.
  private static func standardized(_ values: [Float], shape: [Int]) -> Tensor {
    let tensor = Tensor(values, shape: shape)
    let deviation = (tensor.sumOfSquares() / Double(max(1, values.count - 1))).squareRoot()
    return tensor.scaled(by: 1 / deviation)
  }
}

private struct RandLoRADelta: WeightDelta {
  let lambda: Parameter
  let gamma: Parameter
  let a: Parameter
  let b: Parameter
  let isTransposed: Bool
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [lambda, gamma] }
  var inputDropout: Dropout? { dropout }

  func delta(_ layer: SiteRows) -> Tensor {
    let (rank, bases, small) = (lambda.shape[0], gamma.shape[0], gamma.shape[1])
    let large = max(layer.rows.count, layer.site.inputs)
    let type = lambda.value.dtype
    let full = [rank, bases, small]
    let right =
      lambda().reshaped(to: [rank, bases, 1]).expanded(to: full)
      * a.value.sliced(axis: 2, 0..<small).cast(to: type).expanded(to: full) * gamma()
    let left = b.value.sliced(axis: 0, 0..<large).sliced(axis: 1, 0..<bases).cast(to: type)
    let sum = matrixProduct(
      left.reshaped(to: [large, bases * rank]), right.reshaped(to: [rank * bases, small])
    ).scaled(by: scaling)
    return isTransposed ? sum.transposed : sum
  }
}
