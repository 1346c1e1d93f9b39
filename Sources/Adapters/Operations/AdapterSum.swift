package import Checkpoints
import Formats
package import Tensors

/// A weighted sum of low-rank adapters of one base, ΔW = Σ wᵢ ΔWᵢ.
///
/// It is exact by stacking their factors (FLoRA, arXiv 2409.05976): A = [A₁; …; A_K],
/// B = [w₁ s₁ B₁, …, w_K s_K B_K], scaling 1. Ranks add up; `limited(to:)` brings them down again.
package struct AdapterSum: Sendable {
  /// A pair of one module: A `[r, in...]`, B `[out, r, 1...]`, scaling 1.
  package struct Pair: Sendable {
    package var down: Tensor
    package var up: Tensor

    package var rank: Int { down.shape[0] }

    package init(down: Tensor, up: Tensor) {
      self.down = down
      self.up = up
    }
  }

  /// By module path of the file, in its order.
  package private(set) var pairs: [(module: String, pair: Pair)] = []
  /// Base values that the files hold in full.
  package private(set) var saved: [(key: String, value: Tensor)] = []
  /// Digest of the base that all were trained on; nil where no file tells.
  package private(set) var baseDigest: String?
  package private(set) var baseName: String?

  /// Adds up adapters.
  ///
  /// - Parameters:
  ///   - directories: LoRA adapters, with whatever module names, but the same.
  ///   - weights: one for each.
  ///   - averagesSaved: whether base values in full are averaged by weight; else they must be equal
  ///     or in one file alone.
  /// - Throws: `AdapterError` for another method or base, for shapes that do not fit, and for base
  ///   values that cannot be put together.
  package init(
    _ directories: [PEFTDirectory], weights: [Double], averagesSaved: Bool
  ) throws {
    precondition(directories.count == weights.count && !directories.isEmpty, "weights")
    for (directory, weight) in zip(directories, weights) {
      try Self.check(directory)
      if let digest = directory.extras?["base_digest"]?.string {
        if let known = baseDigest, known != digest {
          throw AdapterError.foreignBase(
            expected: digest, found: known, path: directory.path)
        }
        baseDigest = digest
      }
      baseName = baseName ?? directory.configuration["base_model_name_or_path"]?.string
      try add(directory, weight: weight, averagesSaved: averagesSaved)
    }
  }

  /// Pairs that are known already, by the path of their module.
  package init(
    _ pairs: [(module: String, pair: Pair)], baseDigest: String?, baseName: String?
  ) {
    self.pairs = pairs
    self.baseDigest = baseDigest
    self.baseName = baseName
  }

  /// The same with base values in full.
  package func saving(_ values: [(key: String, value: Tensor)]) -> AdapterSum {
    var sum = self
    sum.saved += values
    return sum
  }

  /// Refuses what is no plain pair.
  private static func check(_ directory: PEFTDirectory) throws {
    func refuse(_ reason: String) -> AdapterError {
      .unsupported(
        module: directory.path, method: directory.method,
        reason: reason + ". Merge the models instead, or retrain with plain lora")
    }
    guard directory.method == LoRA.peftType else {
      throw refuse("only low-rank pairs (LORA) can be added up exactly")
    }
    for field in ["use_dora", "lora_bias"] where directory.configuration[field]?.bool == true {
      throw refuse("\(field) makes more of it than a pair")
    }
    _ = try directory.configuration["init_lora_weights"]?.string.map { name in
      guard ["gaussian", "orthogonal", "eva"].contains(name) else {
        throw refuse("init_lora_weights \(name) changed the weight that the pair stands beside")
      }
    }
  }

  private mutating func add(
    _ directory: PEFTDirectory, weight: Double, averagesSaved: Bool
  ) throws {
    let (downSuffix, upSuffix) = (".lora_A.weight", ".lora_B.weight")
    let usesRoot = directory.configuration["use_rslora"]?.bool == true
    for key in directory.weights.names {
      guard let name = PEFTDirectory.modulePath(ofKey: key), !name.hasSuffix(upSuffix) else {
        continue
      }
      guard name.hasSuffix(downSuffix) else {
        try addSaved(name, try directory.weights.tensor(key), weight, directory, averagesSaved)
        continue
      }
      let module = String(name.dropLast(downSuffix.count))
      let down = try directory.weights.tensor(key).cast(to: .f32)
      let up = try directory.weights.tensor(PEFTDirectory.key(module + upSuffix)).cast(to: .f32)
      let rank = Double(down.shape[0])
      let alpha =
        try directory.value(of: "lora_alpha", patterns: "alpha_pattern", module: module)?.number
        ?? rank
      let scaling = alpha / (usesRoot ? rank.squareRoot() : rank)
      let pair = Pair(down: down, up: up.scaled(by: weight * scaling))
      guard let index = pairs.firstIndex(where: { $0.module == module }) else {
        pairs.append((module, pair))
        continue
      }
      let known = pairs[index].pair
      guard known.down.shape.dropFirst() == down.shape.dropFirst(),
        known.up.shape[0] == up.shape[0]
      else {
        throw AdapterError.wrongShape(
          path: directory.path, key: key, expected: known.down.shape, found: down.shape)
      }
      pairs[index].pair = Pair(
        down: .concatenated([known.down, pair.down], axis: 0),
        up: .concatenated([known.up, pair.up], axis: 1))
    }
  }

  private mutating func addSaved(
    _ key: String, _ value: Tensor, _ weight: Double, _ directory: PEFTDirectory, _ averages: Bool
  ) throws {
    guard let index = saved.firstIndex(where: { $0.key == key }) else {
      saved.append((key, averages ? value.scaled(by: weight) : value))
      return
    }
    let known = saved[index].value
    guard known.shape == value.shape else {
      throw AdapterError.wrongShape(
        path: directory.path, key: key, expected: known.shape, found: value.shape)
    }
    if averages {
      saved[index].value = known + value.scaled(by: weight)
    } else if known.elements(as: Float.self) != value.elements(as: Float.self) {
      throw AdapterError.unsupported(
        module: key, method: "combine",
        reason: "the adapters hold different values of this base module, which cannot be added. "
          + "Average them, or combine adapters without modules_to_save")
    }
  }

  /// The nearest pairs of at most a rank (Eckart–Young), by QR of both factors and a small SVD.
  package func limited(to rank: Int) -> AdapterSum {
    var sum = self
    for index in sum.pairs.indices {
      sum.pairs[index].pair = sum.pairs[index].pair.limited(to: rank)
    }
    return sum
  }

  /// Largest relative error of `limited(to:)` over the modules, in the Frobenius norm.
  package func error(of limited: AdapterSum) -> Double {
    zip(pairs, limited.pairs).reduce(0) { largest, both in
      let (whole, part) = (both.0.pair.product, both.1.pair.product)
      let norm = whole.sumOfSquares().squareRoot()
      return norm > 0 ? max(largest, (whole - part).sumOfSquares().squareRoot() / norm) : largest
    }
  }

  /// Writes the sum as a LoRA adapter that PEFT reads, scaling 1.
  package func save(to path: String, parts: [String]) throws {
    var configuration = LoRA.plainConfiguration
    setPattern(
      "r", "rank_pattern", pairs.map { ($0.module, .integer($0.pair.rank)) }, &configuration)
    setPattern(
      "lora_alpha", "alpha_pattern", pairs.map { ($0.module, .integer($0.pair.rank)) },
      &configuration)
    configuration["target_modules"] = .array(pairs.map { .string($0.module) })
    let modules = saved.map { parent(of: $0.key) }
    configuration["modules_to_save"] =
      modules.isEmpty
      ? .null
      : .array(
        modules.enumerated().filter { !modules[..<$0.offset].contains($0.element) }
          .map { .string($0.element) })
    configuration["base_model_name_or_path"] = baseName.map { .string($0) } ?? .null
    var own = JSONObject()
    own["format"] = "attune-adapter/1"
    own["method"] = .string(LoRA.name)
    if let baseDigest { own["base_digest"] = .string(baseDigest) }
    own["combined"] = .array(parts.map { .string($0) })
    try PEFTDirectory.write(
      to: path, configuration: configuration,
      tensors: pairs.flatMap {
        [
          (PEFTDirectory.key($0.module + ".lora_A.weight"), $0.pair.down),
          (PEFTDirectory.key($0.module + ".lora_B.weight"), $0.pair.up),
        ]
      } + saved.map { (PEFTDirectory.key($0.key), $0.value) }, extras: own,
      card: PEFTDirectory.card(baseModel: baseName, method: "combined lora"))
  }
}

extension AdapterSum.Pair {
  /// B A, `[out, in · kernel]`.
  var product: Tensor { matrixProduct(matrix(up), matrix(down)) }

  func limited(to wanted: Int) -> AdapterSum.Pair {
    guard rank > wanted else { return self }
    let left = matrix(up).orthogonalTriangular()
    let right = matrix(down).permuted([1, 0]).orthogonalTriangular()
    let parts = matrixProduct(left.r, right.r.permuted([1, 0])).singularValues()
    let kept = 0..<min(wanted, parts.values.shape[0])
    let roots = Tensor(
      parts.values.sliced(axis: 0, kept).elements(as: Float.self).map { max(0, $0).squareRoot() },
      shape: [kept.count])
    let up = matrixProduct(left.q, parts.left.sliced(axis: 1, kept)) * roots
    let down = matrixProduct(parts.right.sliced(axis: 0, kept), right.q.permuted([1, 0]))
      .rowsScaled(by: roots)
    return AdapterSum.Pair(
      down: down.reshaped(to: [kept.count] + self.down.shape.dropFirst()),
      up: up.reshaped(to: [self.up.shape[0], kept.count] + self.up.shape.dropFirst(2)))
  }

  private func matrix(_ tensor: Tensor) -> Tensor { tensor.reshaped(to: [tensor.shape[0], -1]) }
}

extension LoRA {
  /// All fields of a plain LoRA's configuration with PEFT's defaults.
  static var plainConfiguration: JSONObject {
    var configuration = constants
    configuration["peft_type"] = .string(peftType)
    configuration["lora_dropout"] = 0
    configuration["bias"] = "none"
    for key in ["use_rslora", "lora_bias", "use_dora"] { configuration[key] = .bool(false) }
    for key in ["task_type", "revision", "auto_mapping", "exclude_modules"] {
      configuration[key] = .null
    }
    configuration["peft_version"] = .string("0.21.2")
    configuration["inference_mode"] = .bool(true)
    return configuration
  }
}
