package import Layers
package import Recipes
package import Tensors

/// Weight normalization whose directions are trained by projected gradients (GradNormLoRP, arXiv
/// 2412.19616).
///
/// Each row of a matrix is W_i = g_i v_i / ‖v_i‖. With G = ∂L/∂W: ∇g_i = ⟨G_i, v_i⟩ / ‖v_i‖ and
/// ∇v_i = (g_i / ‖v_i‖) (G_i − ∇g_i v_i / ‖v_i‖); Adam moves g by the first and v by the projection of
/// the second. The authors' program leaves the term along v out and overwrites g by ‖v‖ after every step,
/// so that g never learns; here both are as in the paper. v is kept beside the weight.
package struct GradNormLoRP: Optimizer {
  package static let name = "gradnormlorp"
  package static let summary = "weight normalization with projected gradients of the directions"
  package static let options = LowRankRule.options(scale: 0.25)

  /// g `[m]`, v `[m, n]`.
  private struct Parts {
    var lengths: Tensor
    var directions: Tensor
    var moments: AdamMoments
  }

  package var learningRate: Double { rule.learningRate }
  package var weightDecay: Double { rule.weightDecay }
  private let rule: LowRankRule
  private var averages = LowRankState()
  private var parts: [String: Parts] = [:]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    rule = LowRankRule(options, diagnostics)
  }

  package mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {
    let path = parameter.path
    guard rule.projects(parameter.shape) else {
      let step = averages.step(path, gradient, rule)
      parameter.move(
        against: step.direction, rate: learningRate * step.correction,
        decay: learningRate * weightDecay)
      return
    }
    let value = rule.matrix(parameter.value)
    var part =
      parts[path]
      ?? Parts(
        lengths: Self.rowLengths(value), directions: value.copied(),
        moments: AdamMoments(shape: [value.shape[0]], isEightBit: false))
    let (ofLengths, ofDirections) = Self.gradients(rule.matrix(gradient), part)
    let lengths = part.moments.direction(ofLengths, betas: rule.betas, epsilon: rule.epsilon)
    let rate = learningRate * part.moments.correction(betas: rule.betas)
    part.lengths = part.lengths - lengths.scaled(by: rate)
    let step = averages.step(path, ofDirections, rule)
    let direction = step.projected.map { $0.projection.back(step.direction) } ?? step.direction
    part.directions =
      part.directions - direction.scaled(by: learningRate * step.correction * rule.scale)
    if weightDecay > 0 { part.lengths = part.lengths.scaled(by: 1 - learningRate * weightDecay) }
    parameter.value = Self.weight(part).reshaped(to: parameter.shape)
    parts[path] = part
  }

  private static func rowLengths(_ matrix: Tensor) -> Tensor {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let sums = matrix.withElements(of: Float.self) { values in
      (0..<rows).map { row -> Float in
        var sum = 0.0
        for place in row * columns..<(row + 1) * columns {
          sum += Double(values[place]) * Double(values[place])
        }
        return Float(sum.squareRoot())
      }
    }
    return Tensor(sums, shape: [rows])
  }

  /// ∇g `[m]` and ∇v `[m, n]`; zero in a row whose v is zero.
  private static func gradients(_ gradient: Tensor, _ part: Parts) -> (Tensor, Tensor) {
    let (rows, columns) = (gradient.shape[0], gradient.shape[1])
    let (ofLengths, ofDirections) = (Tensor(zeros: [rows]), Tensor(zeros: gradient.shape))
    let norms: [Float] = rowLengths(part.directions).elements()
    let lengths: [Float] = part.lengths.elements()
    gradient.withElements(of: Float.self) { g in
      part.directions.withElements(of: Float.self) { v in
        ofLengths.withMutableElements(of: Float.self) { first in
          ofDirections.withMutableElements(of: Float.self) { second in
            for row in 0..<rows where norms[row] > 0 {
              let range = row * columns..<(row + 1) * columns
              var product = 0.0
              for place in range { product += Double(g[place]) * Double(v[place]) }
              let along = Float(product) / norms[row]
              first[row] = along
              let factor = lengths[row] / norms[row]
              for place in range {
                second[place] = factor * (g[place] - along * v[place] / norms[row])
              }
            }
          }
        }
      }
    }
    return (ofLengths, ofDirections)
  }

  /// g v / ‖v‖ `[m, n]`.
  private static func weight(_ part: Parts) -> Tensor {
    let norms: [Float] = rowLengths(part.directions).elements()
    let lengths: [Float] = part.lengths.elements()
    let columns = part.directions.shape[1]
    let result = part.directions.copied()
    result.withMutableElements(of: Float.self) { values in
      for row in norms.indices where norms[row] > 0 {
        let factor = lengths[row] / norms[row]
        for place in row * columns..<(row + 1) * columns { values[place] *= factor }
      }
    }
    return result
  }

  package mutating func forget(_ path: String) -> Int? {
    parts[path] = nil
    return averages.forget(path)
  }

  package var reachedCount: Int { averages.reachedCount }

  package var state: OptimizerState {
    get {
      var counts = averages.counts
      var tensors = averages.tensors
      for (path, part) in parts.sorted(by: { $0.key < $1.key }) {
        counts["g." + path] = part.moments.steps
        tensors += [("g." + path, part.lengths), ("v." + path, part.directions)]
        tensors += part.moments.tensors("g.\(path).")
      }
      return OptimizerState(tensors: tensors, counts: counts)
    }
    set {
      let tensors = Dictionary(newValue.tensors.map { ($0.name, $0.value) }) { first, _ in first }
      let isPart = { (name: String) in tensors["v." + name.dropFirst(2)] != nil }
      averages = LowRankState(
        OptimizerState(
          tensors: newValue.tensors,
          counts: newValue.counts.filter { !($0.key.hasPrefix("g.") && isPart($0.key)) }), rule)
      parts = [:]
      for (name, steps) in newValue.counts where name.hasPrefix("g.") && isPart(name) {
        guard let lengths = tensors[name], let directions = tensors["v." + name.dropFirst(2)],
          let moments = AdamMoments(tensors, name + ".", steps: steps, isEightBit: false)
        else { continue }
        parts[String(name.dropFirst(2))] = Parts(
          lengths: lengths.copied(), directions: directions.copied(), moments: moments)
      }
    }
  }
}
