package import Formats
import Layers
package import Tensors

/// LoRA in PEFT's files (PEFT 0.21.2: `LORA`).
///
/// Slices of one weight become one adapter of full height: their A stacked, their B placed in the
/// slice's rows and its own columns, zero elsewhere. Patterns set rank and alpha by module, so that
/// all slices of a weight have one scaling.
extension LoRA {
  package func configuration(
    _ adapter: AttachedAdapter
  ) throws(AdapterError) -> JSONObject {
    let ranks = adapter.modulesBySite.map { group in
      let rank = group.modules.reduce(0) { $0 + $1.target.rank }
      return (path: group.site.path, rank: rank, alpha: joinedAlpha(group, rank: rank))
    }
    var configuration = Self.constants
    configuration["lora_dropout"] = number(lowRank?.dropout ?? 0)
    configuration["use_rslora"] = .bool(lowRank?.usesRankStabilizedScaling ?? false)
    configuration["lora_bias"] = .bool(hasBias)
    setPattern("r", "rank_pattern", ranks.map { ($0.path, .integer($0.rank)) }, &configuration)
    setPattern(
      "lora_alpha", "alpha_pattern", ranks.map { ($0.path, number($0.alpha)) }, &configuration)
    return configuration
  }

  package func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    let joined = try join(module)
    let path = module.site.path
    return [
      StoredValue(path + ".lora_A.weight", joined.down),
      StoredValue(path + ".lora_B.weight", joined.up),
    ] + (joined.bias.map { [StoredValue(path + ".lora_B.bias", $0)] } ?? [])
  }

  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] {
    let path = module.site.path
    let keys = [path + ".lora_A.weight", path + ".lora_B.weight"]
    let (down, up) = (try value(keys[0]), try value(keys[1]))
    let bias = hasBias ? try value(path + ".lora_B.bias") : nil
    let wanted = module.modules.reduce(0) { $0 + $1.target.rank }
    try Self.check(down, axis: 0, wanted, key: keys[0])
    try Self.check(up, axis: 0, module.rows.count, key: keys[1])
    try Self.check(up, axis: 1, wanted / module.site.groupCount, key: keys[1])
    var values: [String: Tensor] = [:]
    var column = 0
    for (target, change) in module.modules {
      let columns = column..<(column + target.rank)
      column = columns.upperBound
      let parameters = change.parameters
      let start = target.rows.lowerBound - module.rows.lowerBound
      let rows = start..<(start + target.rows.count)
      values[parameters[0].path] = down.sliced(axis: 0, columns)
      values[parameters[1].path] =
        module.whole != nil ? up : up.sliced(axis: 0, rows).sliced(axis: 1, columns)
      if let bias { values[parameters[2].path] = bias.sliced(axis: 0, rows) }
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
  private func joinedAlpha(_ group: SiteModules, rank: Int) -> Double {
    if let whole = group.whole { return whole.target.alpha }
    let root =
      lowRank?.usesRankStabilizedScaling == true ? Double(rank).squareRoot() : Double(rank)
    return (group.modules.first?.target.scaling ?? 1) * root
  }

  /// One full-height pair for all slices of a module.
  private func join(
    _ group: SiteModules
  ) throws(AdapterError) -> (down: Tensor, up: Tensor, bias: Tensor?) {
    if let whole = group.whole {
      let values = whole.change.parameters.map(\.value)
      return (values[0], values[1], hasBias ? values[2] : nil)
    }
    if case .convolution = group.site.kind {
      throw .unsupported(
        module: group.site.path, method: Self.name,
        reason: "PEFT's layout has no slices of a convolution. Adapt the whole layer")
    }
    let total = group.modules.reduce(0) { $0 + $1.target.rank }
    let scaling = group.modules[0].target.scaling
    precondition(
      group.modules.allSatisfy { $0.target.scaling == scaling },
      "\(group.site.path): slices with scalings \(group.modules.map(\.target.scaling))")
    var column = 0
    var up: Tensor?
    var bias: Tensor?
    for (target, change) in group.modules {
      let before = target.rows.lowerBound - group.rows.lowerBound
      let after = group.rows.upperBound - target.rows.upperBound
      let placed = change.parameters[1].value.padded(axis: 0, before: before, after: after)
        .padded(axis: 1, before: column, after: total - column - target.rank)
      up = up.map { $0 + placed } ?? placed
      if hasBias {
        let part = change.parameters[2].value.padded(axis: 0, before: before, after: after)
        bias = bias.map { $0 + part } ?? part
      }
      column += target.rank
    }
    let down = Tensor.concatenated(group.modules.map { $0.change.parameters[0].value }, axis: 0)
    return (down, up ?? Tensor(zeros: []), bias)
  }

  /// Fields that this program never sets, with PEFT's defaults.
  private static var constants: JSONObject {
    var object = JSONObject()
    for key in [
      "alora_invocation_tokens", "arrow_config", "corda_config", "eva_config", "kasa_config",
      "layer_replication", "layers_pattern", "layers_to_transform", "lora_ga_config",
      "megatron_config", "monteclora_config", "target_parameters", "trainable_token_indices",
      "use_bdlora", "velora_config",
    ] {
      object[key] = .null
    }
    for key in ["ensure_weight_tying", "fan_in_fan_out", "use_dora", "use_qalora"] {
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
