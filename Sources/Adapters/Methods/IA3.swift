package import Formats
package import Layers
package import Recipes
import Tensors

/// Learned scaling of activations (IA³, arXiv 2205.05638, section 3.3; as in PEFT 0.21.2, `IA3`).
///
/// A module among `feedforward_modules` gets its input scaled, y = W (l ∘ x) + b with l `[1, in]`
/// (`[1, in, 1, 1]` for a convolution); any other its output, y = l ∘ (W x + b) with l `[out, 1]`
/// (`[1, out, 1, 1]`). All ones at first.
package struct IA3: PEFTMethod {
  package static let name = "ia3"
  package static let summary = "learned factors on inputs or outputs of layers (IA3)"
  package static let options: OptionTable = [
    Option(
      "feedforward_modules", .list(.pattern), default: [],
      "Patterns of adapted modules whose input is scaled instead of their output.")
  ]
  package static let peftType = "IA3"
  package static let capabilities: AdapterCapabilities = [
    .portableLinear, .convolution2D, .rows,
  ]
  package static let absentFields: Set<String> = ["bias"]

  package let fields: JSONObject = ["fan_in_fan_out": false, "init_ia3_weights": true]
  private let feedForward: [Pattern]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    feedForward = options.texts("feedforward_modules").compactMap { try? Pattern($0) }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let channels = target.site.weight.shape[1]
    let tail = target.site.weight.shape.dropFirst(2).map { _ in 1 }
    guard scalesInput(target) else {
      let rows = target.rows.count
      let shape = tail.isEmpty ? [rows, 1] : [1, rows] + tail
      return OutputScaling(factors: target.parameter("ia3_l", shape, .ones))
    }
    return InputScaling(factors: target.parameter("ia3_l", [1, channels] + tail, .ones))
  }

  package func trainableCount(for target: AdapterTarget) -> Int {
    scalesInput(target) ? target.site.weight.shape[1] : target.rows.count
  }

  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var fields = wholeFields
    fields["feedforward_modules"] = .array(
      adapter.modules.filter { $0.change is InputScaling }.map { .string($0.target.site.path) })
    return fields
  }

  /// PEFT matches list entries against the end of a path, and a text as a whole.
  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    let field = configuration["feedforward_modules"]
    let patterns =
      field?.string.map { ["re:" + $0] }
      ?? (field?.array ?? []).compactMap(\.string).map {
        "re:.*" + $0.replacing(".", with: "\\.")
      }
    return [PlainValue.Field("feedforward_modules", .list(patterns.map { .text($0) }))]
  }

  /// By the shape of the values that a file has where that tells, else by the patterns.
  private func scalesInput(_ target: AdapterTarget) -> Bool {
    if let shape = target.stored["ia3_l"], shape.count == 2, shape[0] != shape[1] {
      return shape[0] == 1
    }
    return feedForward.contains {
      $0.matches(path: target.site.path, groups: target.site.groups)
    }
  }
}

private struct OutputScaling: Branch {
  let factors: Parameter

  var parameters: [Parameter] { [factors] }

  func output(
    _ y: Tensor, input x: Tensor, of layer: SiteRows, context: ForwardContext
  ) -> Tensor {
    let line = factors().reshaped(to: [factors.elementCount])
    return layer.site.kind == .linear ? y * line : y.affineByChannel(weight: line, bias: nil)
  }

  func merged(
    _ weight: Tensor, _ bias: Tensor?, _ layer: SiteRows
  ) throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?) {
    let line = factors().reshaped(to: [factors.elementCount])
    return (weight.rowsScaled(by: line), bias.map { $0 * line })
  }
}

private struct InputScaling: WeightMap {
  let factors: Parameter

  var parameters: [Parameter] { [factors] }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let channels = factors.elementCount
    let kernel = base.shape[1] / channels
    let line = factors().reshaped(to: [channels, 1]).expanded(to: [channels, kernel])
    return base * line.reshaped(to: [base.shape[1]])
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let line = factors().reshaped(to: [factors.elementCount])
    let scaled = layer.site.kind == .linear ? x * line : x.affineByChannel(weight: line, bias: nil)
    return layer.plain(scaled, context)
  }
}
