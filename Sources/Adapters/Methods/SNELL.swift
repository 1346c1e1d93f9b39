package import Layers
package import Recipes
import Tensors

/// Sparse tuning by kernelized low-rank factors (SNELL, arXiv 2411.01800, equations 5 to 8).
///
/// Before sparsification ΔW[j, i] = Σ_h c_h ‖P_h[i] − Q_h[j]‖₂ over `heads` pairs of P_h `[in, q/heads]`
/// (`In_Qs` `[heads, in, q/heads]`) and Q_h `[out, q/heads]` (`Out_Qs`), c_h = c (−1)^h frozen
/// (`shared_coeff_fc` `[heads, 1, 1]`). With t the `quantile` of |ΔW|, taken as constant by the gradient,
/// `form: soft` gives sign(w) max(|w| − t, 0), the paper's rule; `code` is what the reference's program
/// computes, w |w| where |w| > t with |w| taken as constant; `none` keeps all. P and Q are drawn, so that
/// the first output is not the frozen model's. ΔW is computed again on the way back instead of being kept.
package struct SNELL: RecordsOptions {
  /// What is left of ΔW.
  enum Form: String, CaseIterable { case soft, code, none }

  package static let name = "snell"
  package static let summary = "sparse update from distances of low-rank points (SNELL)"
  package static let options: OptionTable = [
    Option(
      "q", .integer, default: 16, range: .atLeast(1), aliases: ["r", "rank"],
      "Length of the points of an input or output over all heads."),
    Option(
      "heads", .integer, default: 2, range: .atLeast(1), "Kernels that add up, a divisor of q."),
    Option("coefficient", .number, default: 0.1, range: .above(0), "Size of a kernel's factor."),
    Option(
      "quantile", .number, default: 0.9, range: .within(0.0..<1),
      "Part of the entries that is set to zero."),
    Option(
      "form", .choice(Form.self), default: "soft",
      "soft: the paper's threshold; code: the reference program's; none: nothing is set to zero."),
  ]
  package static let peftType = "SNELL"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable]
  package static let detachedGradients = ["In_Qs", "Out_Qs"]

  package let reader: OptionReader
  private let length: Int
  private let heads: Int
  private let coefficient: Double
  fileprivate let quantile: Double
  fileprivate let form: Form

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    length = options.int("q")
    heads = max(1, options.int("heads"))
    coefficient = options.number("coefficient")
    quantile = options.number("quantile")
    form = options.choice("form", as: Form.self)
    if length % heads != 0 {
      diagnostics.error(
        .rule("heads \(heads) does not divide q \(length)", mend: "choose a divisor"),
        at: options.location, path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let leaf = target.site.path.split(separator: ".").last.map(String.init) ?? ""
    let rows = target.site.rowNames.first { $0.rows == target.rows }?.name
    let slice = target.isWhole ? "" : "[\(target.rows.lowerBound):\(target.rows.upperBound)]"
    let path = target.path(beside: "additional_\(rows ?? leaf + slice).learnable.")
    let depth = length / heads
    func points(_ name: String, _ count: Int) -> Parameter {
      // Kaiming uniform with a = √5, whose fan is that of an axis of `depth` behind `count` places.
      Parameter(
        path: path + name, shape: [heads, count, depth], initialization: .fanIn(count * depth))
    }
    let factors = (0..<heads).map { coefficient * ($0 % 2 == 0 ? 1 : -1) }
    let coefficients = Parameter(
      path: path + "shared_coeff_fc", shape: [heads, 1, 1], initialization: .zeros, isBuffer: true)
    coefficients.value = Tensor(factors.map { Float($0) }, shape: [heads, 1, 1])
    return SNELLDelta(
      inputs: points("In_Qs", target.inputs), outputs: points("Out_Qs", target.rows.count),
      coefficients: coefficients, quantile: quantile, form: form)
  }

  /// q (in + out).
  package func trainableCount(for target: AdapterTarget) -> Int {
    length * (target.inputs + target.rows.count)
  }
}

private struct SNELLDelta: WeightDelta {
  let inputs: Parameter
  let outputs: Parameter
  let coefficients: Parameter
  let quantile: Double
  let form: SNELL.Form

  var parameters: [Parameter] { [inputs, outputs] }
  var buffers: [Parameter] { [coefficients] }

  func delta(_ layer: SiteRows) -> Tensor { sparsified(kernel(inputs(), outputs())) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    recomputed(x) { x, _ in
      layer.applied(delta(layer), bias: nil, to: x, outputs: outputs)
    }
  }

  /// Σ c_h ‖P_h[i] − Q_h[j]‖, `[out, in]`.
  private func kernel(_ p: Tensor, _ q: Tensor) -> Tensor {
    let factors = coefficients.value.cast(to: .f64).elements(as: Double.self)
    var sum: Tensor?
    for (head, factor) in factors.enumerated() {
      let depth = p.shape[2]
      let points = p.sliced(axis: 0, head..<(head + 1)).reshaped(to: [p.shape[1], depth])
      let centers = q.sliced(axis: 0, head..<(head + 1)).reshaped(to: [q.shape[1], depth])
      let term = distances(centers, points).scaled(by: factor)
      sum = sum.map { $0 + term } ?? term
    }
    return sum ?? Tensor(zeros: [q.shape[1], p.shape[1]], dtype: p.dtype)
  }

  /// Distances of rows of `[m, d]` and `[n, d]`, `[m, n]`: ‖a‖² + ‖b‖² − 2 a·b, never below 10⁻¹².
  private func distances(_ a: Tensor, _ b: Tensor) -> Tensor {
    func squares(_ rows: Tensor) -> Tensor { (rows * rows).summed(over: [1]) }
    let (m, n) = (a.shape[0], b.shape[0])
    let products = linear(a, weight: b).scaled(by: -2)
    let sum =
      products + squares(a).reshaped(to: [m, 1]).expanded(to: [m, n])
      + squares(b).reshaped(to: [n])
    let floor = Tensor(filledWith: 1e-12, shape: [n], dtype: sum.dtype)
    return (sum.relu() + floor).squareRoot()
  }

  private func sparsified(_ weight: Tensor) -> Tensor {
    guard form != .none else { return weight }
    let sizes = weight.detached().cast(to: .f64).elements(as: Double.self).map { abs($0) }
    let threshold = Quantile(quantile).value(of: sizes)
    switch form {
    case .none: return weight
    case .soft:
      let below = Tensor(filledWith: -threshold, shape: [weight.shape[1]], dtype: weight.dtype)
      return (weight + below).relu() - (weight.scaled(by: -1) + below).relu()
    case .code:
      let kept = sizes.map { $0 > threshold ? $0 : 0 }
      return weight * Tensor(kept, shape: weight.shape).cast(to: weight.dtype)
    }
  }
}
