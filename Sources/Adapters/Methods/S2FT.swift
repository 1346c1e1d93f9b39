package import Layers
package import Recipes
import Tensors

/// Structured sparse fine-tuning (S²FT, arXiv 2412.06289, section 3): whole attention heads and hidden
/// channels of MLPs are trained, everything else stays.
///
/// Of a pair of layers with a hidden axis between them the same units are trained on both sides: rows of
/// the first (V of attention, fc1), Δ `[units, in]`, and columns of the second (proj, fc2), Δ
/// `[out, units]`; Δ (`s2`) is zero at first. The paper permutes hidden units so that the chosen ones lie
/// together, which changes no output; here `s2_indices` (i64 `[units]`) names them where they are. Units
/// are drawn by a stream of the seed and the pair's path, so that both sides and all that share them
/// agree, whichever are adapted; or `slices` gives them.
package struct S2FT: RecordsOptions {
  /// Which axis of the weight the units lie on.
  enum Side: String, CaseIterable { case column, row }

  package static let name = "s2ft"
  package static let summary = "whole heads and hidden channels of paired layers (S²FT)"
  package static let options: OptionTable = [
    Option(
      "heads", .integer, default: 1, range: .atLeast(1), "Attention heads that are trained."),
    Option(
      "head_dim", .integer, default: 64, range: .atLeast(1),
      "Width of a head, a divisor of the width of V."),
    Option(
      "channels", .integer, default: 64, range: .atLeast(1), "Hidden channels of MLPs."),
    Option(
      "random_seed", .integer, default: .described("the seed of the run"), range: .atLeast(0),
      "Seed of the chosen heads and channels."),
    Option(
      "slices",
      .map(
        .table([
          Option(
            "kind", .choice(Side.self), default: .required,
            "column: rows of the weight (outputs); row: columns (inputs)."),
          Option("start", .integer, default: .required, range: .atLeast(0), "First unit."),
          Option("end", .integer, default: .required, range: .atLeast(1), "After the last unit."),
        ])), default: .absent,
      "Trained units by module, in place of drawn ones; other modules are drawn still."),
  ]
  package static let peftType = "S2FT"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable, .zeroStart]

  package let reader: OptionReader
  private let heads: Int
  private let width: Int
  private let channels: Int
  private let seed: Int?
  private let slices: [String: (side: Side, units: Range<Int>)]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    heads = options.int("heads")
    width = options.int("head_dim")
    channels = options.int("channels")
    seed = options.optionalInt("random_seed")
    slices = options.namedTables("slices").reduce(into: [:]) { slices, entry in
      let (start, end) = (entry.reader.int("start"), entry.reader.int("end"))
      guard start < end else {
        diagnostics.error(
          .rule("start \(start) is not below end \(end)", mend: "name at least one unit"),
          at: entry.reader.location, path: entry.reader.path)
        return
      }
      slices[entry.key] = (entry.reader.choice("kind", as: Side.self), start..<end)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (side, units) = try choice(target, seed: shared.seed)
    let shape =
      side == .column ? [units.count, target.inputs] : [target.rows.count, units.count]
    return S2FTDelta(
      values: target.parameter("s2", shape, .zeros),
      indices: target.buffer(
        "s2_indices", Tensor(units.map { Int64($0) }, shape: [units.count])), side: side)
  }

  /// Units · in for rows of the weight, out · units for columns.
  package func trainableCount(for target: AdapterTarget) -> Int {
    do throws(AdapterError) {
      let (side, units) = try choice(target, seed: 0)
      return units.count * (side == .column ? target.inputs : target.rows.count)
    } catch {
      return 0
    }
  }

  /// The side and the units of a target, rows counted from the target's first.
  private func choice(
    _ target: AdapterTarget, seed run: UInt64
  ) throws(AdapterError) -> (side: Side, units: [Int]) {
    func refuse(_ reason: String) -> AdapterError {
      .unsupported(module: target.site.path, method: Self.name, reason: reason)
    }
    if let slice = slices[target.site.path] {
      let size = slice.side == .column ? target.site.outputs : target.inputs
      let first = slice.side == .column ? target.rows.lowerBound : 0
      let last = slice.side == .column ? target.rows.upperBound : size
      guard slice.units.upperBound <= last, slice.units.lowerBound >= first else {
        throw refuse(
          "slices names units \(slice.units.lowerBound) to \(slice.units.upperBound) of "
            + "\(first) to \(last). Name some of these")
      }
      return (slice.side, slice.units.map { $0 - first })
    }
    let leaf = target.site.path.split(separator: ".").last.map(String.init) ?? ""
    guard let role = HiddenPairRole(leaf) else {
      throw refuse(
        "no pair of layers is known for a module of this name. Give its units in slices, or leave "
          + "it out of target_modules")
    }
    let values = target.site.rowNames.first { $0.name == "v" }?.rows
    let hidden = role.side == .row ? 0..<target.inputs : values ?? 0..<target.site.outputs
    let first = role.side == .row ? 0 : target.rows.lowerBound
    guard role.side == .row || target.rows.clamped(to: hidden) == hidden else {
      throw refuse("the target has none of the rows of V. Adapt attn.qkv or attn.qkv[v]")
    }
    let size = role.isAttention ? width : 1
    let (count, wanted) = (hidden.count / size, role.isAttention ? heads : channels)
    guard hidden.count % size == 0, wanted <= count else {
      throw refuse(
        role.isAttention
          ? "\(heads) heads of head_dim \(width) do not fit a width of \(hidden.count). Set head_dim"
          : "\(wanted) channels of \(count) are asked for. Lower channels")
    }
    var generator = TorchGenerator(
      seed: (seed ?? Int(truncatingIfNeeded: run))
        ^ pathHash(target.path(beside: "s2ft.\(hidden.count)")))
    let chosen = generator.permutation(of: count, first: wanted).sorted()
    return (
      role.side,
      chosen.flatMap { unit in
        (0..<size).map { hidden.lowerBound - first + unit * size + $0 }
      }
    )
  }
}

/// Which layer of a pair with hidden units between them a module is, by its name.
private struct HiddenPairRole {
  let side: S2FT.Side
  /// Whether the units are heads of attention, not channels of an MLP.
  let isAttention: Bool

  init?(_ leaf: String) {
    switch leaf {
    case "qkv", "kv", "v", "v_proj", "value", "to_v": (side, isAttention) = (.column, true)
    case "proj", "o_proj", "out_proj", "to_out": (side, isAttention) = (.row, true)
    case "fc1", "lin1", "up_proj", "gate_proj": (side, isAttention) = (.column, false)
    case "fc2", "lin2", "down_proj": (side, isAttention) = (.row, false)
    default: return nil
    }
  }
}

private struct S2FTDelta: WeightDelta {
  let values: Parameter
  let indices: Parameter
  let side: S2FT.Side

  var parameters: [Parameter] { [values] }
  var buffers: [Parameter] { [indices] }

  func delta(_ layer: SiteRows) -> Tensor {
    let units = indices.value.integers
    switch side {
    case .column: return values().transposed.spread(units, over: layer.rows.count).transposed
    case .row: return values().spread(units, over: layer.site.inputs)
    }
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let (units, width) = (indices.value.integers, x.shape.last ?? 0)
    switch side {
    case .column:
      let weight = values().sliced(axis: 1, 0..<width)
      return linear(x, weight: weight).spread(units, over: outputs)
    case .row:
      let missing = layer.site.inputs - width
      let wide = missing > 0 ? x.padded(axis: x.rank - 1, before: 0, after: missing) : x
      return linear(wide.columns(units), weight: values().sliced(axis: 0, 0..<outputs))
    }
  }
}
