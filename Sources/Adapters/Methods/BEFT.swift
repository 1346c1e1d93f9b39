package import Formats
package import Layers
package import Recipes
import Tensors

/// Bias-efficient fine-tuning (BEFT, arXiv 2509.15974; as in PEFT 0.21.2, `BEFT`): y = W x + b + v.
///
/// `beft_bias` is `[1, out]`, zero at first.
package struct BEFT: PEFTMethod {
  package static let name = "beft"
  package static let summary = "trained shift of a layer's output (BEFT)"
  package static let options: OptionTable = []
  package static let peftType = "BEFT"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["bias", "exclude_modules"]

  package let fields: JSONObject = ["init_weights": true]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    Shift(value: target.parameter("beft_bias", [1, target.rows.count], .zeros))
  }

  package func trainableCount(for target: AdapterTarget) -> Int { target.rows.count }
}

private struct Shift: Branch {
  let value: Parameter

  var parameters: [Parameter] { [value] }
  private var line: Tensor { value().reshaped(to: [value.elementCount]) }

  func output(
    _ y: Tensor, input x: Tensor, of layer: SiteRows, context: ForwardContext
  ) -> Tensor { y + line }

  func merged(
    _ weight: Tensor, _ bias: Tensor?, _ layer: SiteRows
  ) throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?) {
    (weight, bias.map { $0 + line } ?? line)
  }
}
