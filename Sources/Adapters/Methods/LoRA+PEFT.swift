package import Formats
import Layers
package import Recipes
package import Tensors

/// LoRA in PEFT's files (PEFT 0.21.2: `LORA`).
///
/// Slices of one weight become one adapter of full height: their A stacked, their B placed in the
/// slice's rows and its own columns, zero elsewhere. Patterns set rank and alpha by module, so that
/// all slices of a weight have one scaling. What an initialization took off the weight goes out as
/// further ranks, s [B, −B₀] [A; A₀], so that the file holds beside the weight as it was.
extension LoRA {
  package static var joinsRows: Bool { true }

  package func configuration(
    _ adapter: AttachedAdapter
  ) throws(AdapterError) -> JSONObject {
    let ranks = adapter.modulesBySite.map { group in
      let rank = group.modules.reduce(0) { $0 + ($1.change.lowRankPair?.exportedRank ?? 0) }
      return (path: group.site.path, rank: rank, alpha: alpha(group, rank: rank))
    }
    var configuration = Self.constants
    configuration["lora_dropout"] = number(lowRank?.dropout ?? 0)
    configuration["use_rslora"] = .bool(lowRank?.usesRankStabilizedScaling ?? false)
    configuration["lora_bias"] = .bool(form == .bias)
    configuration["use_dora"] = .bool(form == .magnitudes)
    setPattern("r", "rank_pattern", ranks.map { ($0.path, .integer($0.rank)) }, &configuration)
    setPattern(
      "lora_alpha", "alpha_pattern", ranks.map { ($0.path, number($0.alpha)) }, &configuration)
    return configuration
  }

  package func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    var values = try joined(module, isExported: false)
    if form == .diagonal, let diagonal = module.whole?.change.lowRankPair?.diagonal {
      values.append(StoredValue(module.site.path + ".lora_diag", diagonal.value))
    }
    return values
  }

  package func exported(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    try joined(module, isExported: true)
  }

  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] {
    let path = module.site.path
    let (downName, upName) = (path + ".lora_A.weight", path + ".lora_B.weight")
    let (down, up) = (try value(downName), try value(upName))
    let exported = module.modules.reduce(0) { $0 + ($1.change.lowRankPair?.exportedRank ?? 0) }
    let isExported = down.shape[0] == exported
    let wanted = isExported ? exported : module.modules.reduce(0) { $0 + $1.target.rank }
    try Self.check(down, axis: 0, wanted, key: downName)
    try Self.check(up, axis: 0, module.rows.count, key: upName)
    try Self.check(up, axis: 1, wanted / module.site.groupCount, key: upName)
    let (biasName, magnitudeName) = (path + ".lora_B.bias", path + ".lora_magnitude_vector")
    let bias = form == .bias ? try value(biasName) : nil
    let magnitude = form == .magnitudes ? try value(magnitudeName) : nil
    if let bias { try Self.check(bias, axis: 0, module.rows.count, key: biasName) }
    if let magnitude {
      let axis = magnitude.rank == 1 ? 0 : 1
      try Self.check(magnitude, axis: axis, module.rows.count, key: magnitudeName)
    }
    var values: [String: Tensor] = [:]
    var column = 0
    for (target, change) in module.modules {
      guard let pair = change.lowRankPair else { continue }
      let start = target.rows.lowerBound - module.rows.lowerBound
      let rows = start..<(start + target.rows.count)
      func next(_ rank: Int) -> (down: Tensor, up: Tensor) {
        let columns = column..<(column + rank)
        column = columns.upperBound
        return (
          down.sliced(axis: 0, columns),
          module.whole != nil && pair.offset == nil
            ? up : up.sliced(axis: 0, rows).sliced(axis: 1, columns)
        )
      }
      (values[pair.down.path], values[pair.up.path]) = next(target.rank)
      if isExported, let offset = pair.offset {
        let taken = next(offset.down.shape[0])
        (values[offset.down.path], values[offset.up.path]) = (
          taken.down, taken.up.scaled(by: -1)
        )
      }
      if let diagonal = pair.diagonal {
        // The written form has the diagonal in B.
        values[diagonal.path] =
          isExported
          ? Tensor(filledWith: 1, shape: diagonal.shape) : try value(path + ".lora_diag")
      }
      if let parameter = pair.bias { values[parameter.path] = bias?.sliced(axis: 0, rows) }
      if let parameter = (change as? DoRAMap)?.magnitude, let magnitude {
        values[parameter.path] = magnitude.sliced(axis: magnitude.rank == 1 ? 0 : 1, rows)
      }
    }
    return values
  }

  /// Refuses a tensor whose size along an axis is not the expected one.
  static func check(
    _ tensor: Tensor, axis: Int, _ size: Int, key: String
  ) throws(AdapterError) {
    var expected = tensor.shape
    guard expected[axis] != size else { return }
    expected[axis] = size
    throw .wrongShape(path: "the adapter", key: key, expected: expected, found: tensor.shape)
  }

  /// Alpha that gives the joined rank the scaling of the slices.
  private func alpha(_ group: SiteModules, rank: Int) -> Double {
    if let whole = group.whole, rank == whole.target.rank { return whole.target.alpha }
    let root =
      lowRank?.usesRankStabilizedScaling == true ? Double(rank).squareRoot() : Double(rank)
    return (group.modules.first?.target.scaling ?? 1) * root
  }

  /// One full-height pair for all slices of a module, with its bias or magnitudes.
  private func joined(
    _ group: SiteModules, isExported: Bool
  ) throws(AdapterError) -> [StoredValue] {
    let path = group.site.path
    let parts = group.modules.compactMap { module in
      module.change.lowRankPair.map { (target: module.target, change: module.change, pair: $0) }
    }
    let factors = parts.map {
      isExported ? $0.pair.exportedFactors : ($0.pair.down.value, $0.pair.up.value)
    }
    if group.whole == nil, case .convolution = group.site.kind {
      throw .unsupported(
        module: path, method: Self.name,
        reason: "PEFT's layout has no slices of a convolution. Adapt the whole layer")
    }
    let scaling = parts[0].target.scaling
    precondition(
      parts.allSatisfy { $0.target.scaling == scaling },
      "\(path): slices with scalings \(parts.map(\.target.scaling))")
    let total = factors.reduce(0) { $0 + $1.0.shape[0] }
    var (column, up, bias) = (0, Tensor?.none, Tensor?.none)
    for (part, factor) in zip(parts, factors) {
      let before = part.target.rows.lowerBound - group.rows.lowerBound
      let after = group.rows.upperBound - part.target.rows.upperBound
      let rank = factor.0.shape[0]
      let placed =
        parts.count == 1 && before == 0 && after == 0
        ? factor.1
        : factor.1.padded(axis: 0, before: before, after: after)
          .padded(axis: 1, before: column, after: total - column - rank)
      up = up.map { $0 + placed } ?? placed
      if let own = part.pair.bias?.value.padded(axis: 0, before: before, after: after) {
        bias = bias.map { $0 + own } ?? own
      }
      column += rank
    }
    let down = factors.count == 1 ? factors[0].0 : Tensor.concatenated(factors.map(\.0), axis: 0)
    var values = [StoredValue(path + ".lora_A.weight", down)]
    if let up { values.append(StoredValue(path + ".lora_B.weight", up)) }
    if let bias { values.append(StoredValue(path + ".lora_B.bias", bias)) }
    if form == .magnitudes {
      values.append(StoredValue(path + ".lora_magnitude_vector", magnitudes(group)))
    }
    return values
  }

  /// Magnitudes of all rows of a module: outside of slices the row norms of W.
  private func magnitudes(_ group: SiteModules) -> Tensor {
    if let whole = group.whole?.change as? DoRAMap { return whole.magnitude.value }
    var norms = SiteRows(group.site, rows: group.rows).weight.detached().rowNorms()
    for (target, change) in group.modules {
      guard let map = change as? DoRAMap else { continue }
      let start = target.rows.lowerBound - group.rows.lowerBound
      norms = Tensor.concatenated(
        [
          norms.sliced(axis: 0, 0..<start), map.magnitude.value,
          norms.sliced(axis: 0, (start + target.rows.count)..<norms.shape[0]),
        ].filter { $0.elementCount > 0 }, axis: 0)
    }
    return norms
  }
}

extension SiteChange {
  /// The low-rank pair of a LoRA or DoRA.
  var lowRankPair: LoRADelta? { (self as? LoRADelta) ?? (self as? DoRAMap)?.pair }
}

extension LoRADelta {
  /// Rank of the form that is written.
  var exportedRank: Int { down.shape[0] + (offset?.down.shape[0] ?? 0) }

  /// A and B of the form that is written: the diagonal in B, the part taken off the weight as further
  /// ranks.
  var exportedFactors: (Tensor, Tensor) {
    let folded = diagonal.map { diagonal in
      let b = up.value.reshaped(to: [up.shape[0], -1])
      return (b * diagonal.value).reshaped(to: up.shape)
    }
    guard let offset else { return (down.value, folded ?? up.value) }
    return (
      Tensor.concatenated([down.value, offset.down.value], axis: 0),
      Tensor.concatenated([folded ?? up.value, offset.up.value.scaled(by: -1)], axis: 1)
    )
  }
}

extension LoRA {
  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    for field in [
      "target_parameters", "layer_replication", "alora_invocation_tokens", "arrow_config",
      "trainable_token_indices", "corda_config", "monteclora_config",
    ] {
      if let value = configuration[field], !value.isNull {
        throw UnsupportedConfiguration("\(field) is set, which this program does not offer")
      }
    }
    for field in ["use_qalora", "use_bdlora", "fan_in_fan_out"]
    where configuration[field]?.bool == true {
      throw UnsupportedConfiguration("\(field) is set, which this program does not offer")
    }
    var fields = namedOptions(configuration)
    if let kasa = configuration["kasa_config"], !kasa.isNull {
      fields.append(PlainValue.Field("use_kasa", true))
    }
    return fields
  }

  package static func initialization(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> (any AdapterInitialization)? {
    guard let name = configuration["init_lora_weights"]?.string else { return nil }
    switch name {
    case "pissa": return PiSSA()
    case "olora": return OLoRA()
    case "gaussian", "orthogonal", "eva", "mica": return nil
    default:
      throw UnsupportedConfiguration(
        "init_lora_weights \"\(name)\" changed the base weights in a way that cannot be found again. "
          + "Save the adapter with PEFT's path_initial_model_for_weight_conversion")
    }
  }

  /// Fields that this program never sets, with PEFT's defaults.
  static var constants: JSONObject {
    var object = JSONObject()
    for key in [
      "alora_invocation_tokens", "arrow_config", "corda_config", "eva_config", "kasa_config",
      "layer_replication", "layers_pattern", "layers_to_transform", "lora_ga_config",
      "megatron_config", "monteclora_config", "target_parameters", "trainable_token_indices",
      "use_bdlora", "velora_config",
    ] {
      object[key] = .null
    }
    for key in ["ensure_weight_tying", "fan_in_fan_out", "use_qalora"] {
      object[key] = .bool(false)
    }
    object["init_lora_weights"] = .bool(true)
    object["loftq_config"] = .object(JSONObject())
    object["megatron_core"] = .string("megatron.core")
    object["qalora_group_size"] = .integer(16)
    return object
  }
}

/// Sets a field to the commonest value, and a map of PEFT's patterns for the modules that differ.
func setPattern(
  _ field: String, _ patterns: String, _ values: [(path: String, value: JSONValue)],
  _ configuration: inout JSONObject
) {
  var counts: [(value: JSONValue, count: Int)] = []
  for (_, value) in values {
    if let index = counts.firstIndex(where: { $0.value == value }) {
      counts[index].count += 1
    } else {
      counts.append((value, 1))
    }
  }
  let common = counts.reduce(nil as (value: JSONValue, count: Int)?) { best, next in
    (best?.count ?? 0) >= next.count ? best : next
  }
  configuration[field] = common?.value ?? .null
  var object = JSONObject()
  for item in values where item.value != common?.value {
    object[exactPattern(item.path)] = item.value
  }
  configuration[patterns] = .object(object)
}

/// Whole numbers are written without a fraction, as PEFT does.
func number(_ value: Double) -> JSONValue {
  Int(exactly: value).map { .integer($0) } ?? .number(value)
}
