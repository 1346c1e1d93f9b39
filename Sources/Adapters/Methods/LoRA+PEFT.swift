package import Checkpoints
import Formats
import Layers
package import Tensors

/// LoRA in PEFT's files (PEFT 0.21.2: `LORA`).
///
/// Slices of one weight become one adapter of full height: their A stacked, their B placed in the
/// slice's rows and its own columns, zero elsewhere. Patterns set rank and alpha by module, so that
/// all slices of a weight have one scaling.
extension LoRA {
  package func exported(_ adapter: AttachedAdapter) throws(AdapterError) -> PEFTAdapter {
    var tensors: [(name: String, tensor: Tensor)] = []
    var ranks: [(path: String, rank: Int, alpha: Double)] = []
    for group in adapter.modulesBySite {
      let joined = try join(group)
      tensors.append((group.site.path + ".lora_A.weight", joined.down))
      tensors.append((group.site.path + ".lora_B.weight", joined.up))
      ranks.append((group.site.path, joined.down.shape[0], joined.alpha))
    }
    let rank = mostCommon(ranks.map(\.rank)) ?? 8
    let alpha = mostCommon(ranks.map(\.alpha)) ?? Double(rank)
    var configuration = Self.constants
    configuration["r"] = .integer(rank)
    configuration["lora_alpha"] = number(alpha)
    configuration["lora_dropout"] = number(lowRank?.dropout ?? 0)
    configuration["use_rslora"] = .bool(lowRank?.usesRankStabilizedScaling ?? false)
    configuration["rank_pattern"] = exceptions(ranks.map { ($0.path, $0.rank) }, rank) {
      .integer($0)
    }
    configuration["alpha_pattern"] = exceptions(
      ranks.map { ($0.path, $0.alpha) }, alpha, value: number)
    return PEFTAdapter(configuration: configuration, tensors: tensors)
  }

  package func imported(
    _ adapter: AttachedAdapter, from directory: PEFTDirectory
  ) throws -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for group in adapter.modulesBySite {
      let key = { PEFTDirectory.key(module: group.site.path, parameter: $0) }
      let down = try directory.weights.tensor(key("lora_A.weight"))
      let up = try directory.weights.tensor(key("lora_B.weight"))
      let wanted = group.modules.reduce(0) { $0 + $1.target.rank }
      try Self.check(down, axis: 0, wanted, key: key("lora_A.weight"), directory.path)
      try Self.check(up, axis: 0, group.site.outputs, key: key("lora_B.weight"), directory.path)
      try Self.check(
        up, axis: 1, wanted / group.site.groupCount, key: key("lora_B.weight"), directory.path)
      var column = 0
      for module in group.modules {
        let columns = column..<(column + module.target.rank)
        column = columns.upperBound
        let parameters = module.delta.parameters
        values[parameters[0].path] = down.sliced(axis: 0, columns)
        values[parameters[1].path] =
          module.target.isWhole
          ? up : up.sliced(axis: 0, module.target.rows).sliced(axis: 1, columns)
      }
    }
    return values
  }

  /// Refuses a tensor whose size along an axis is not the expected one.
  private static func check(
    _ tensor: Tensor, axis: Int, _ size: Int, key: String, _ path: String
  ) throws(AdapterError) {
    var expected = tensor.shape
    guard expected[axis] != size else { return }
    expected[axis] = size
    throw .wrongShape(path: path, key: key, expected: expected, found: tensor.shape)
  }

  /// One full-height pair for all slices of a weight.
  private func join(
    _ group: SiteModules
  ) throws(AdapterError) -> (down: Tensor, up: Tensor, alpha: Double) {
    if let only = group.modules.first, group.modules.count == 1, only.target.isWhole {
      return (
        only.delta.parameters[0].value, only.delta.parameters[1].value, only.target.alpha
      )
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
    let root =
      lowRank?.usesRankStabilizedScaling == true
      ? Double(total).squareRoot() : Double(total)
    var column = 0
    var up: Tensor?
    for module in group.modules {
      let rows = module.target.rows
      let placed = module.delta.parameters[1].value
        .padded(axis: 0, before: rows.lowerBound, after: group.site.outputs - rows.upperBound)
        .padded(axis: 1, before: column, after: total - column - module.target.rank)
      up = up.map { $0 + placed } ?? placed
      column += module.target.rank
    }
    let down = Tensor.concatenated(group.modules.map { $0.delta.parameters[0].value }, axis: 0)
    return (down, up ?? Tensor(zeros: []), scaling * root)
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
    for key in ["ensure_weight_tying", "fan_in_fan_out", "lora_bias", "use_dora", "use_qalora"] {
      object[key] = .bool(false)
    }
    object["init_lora_weights"] = .bool(true)
    object["loftq_config"] = .object(JSONObject())
    object["megatron_core"] = .string("megatron.core")
    object["qalora_group_size"] = .integer(16)
    return object
  }
}

/// Values that differ from the common one, by escaped full path.
private func exceptions<Value: Equatable>(
  _ values: [(path: String, value: Value)], _ common: Value, value: (Value) -> JSONValue
) -> JSONValue {
  var object = JSONObject()
  for item in values where item.value != common {
    object["^" + item.path.replacing(".", with: "\\.")] = value(item.value)
  }
  return .object(object)
}

private func mostCommon<Value: Hashable>(_ values: [Value]) -> Value? {
  var counts: [Value: Int] = [:]
  for value in values { counts[value, default: 0] += 1 }
  return values.max { (counts[$0] ?? 0) < (counts[$1] ?? 0) }
}

/// Whole numbers are written without a fraction, as PEFT does.
private func number(_ value: Double) -> JSONValue {
  Int(exactly: value).map { .integer($0) } ?? .number(value)
}
