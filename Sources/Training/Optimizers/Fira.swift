package import Layers
package import Recipes
package import Tensors

/// GaLore and what its projection leaves out, scaled as Adam scales the rest (Fira, arXiv 2410.01623).
///
/// With R the projected gradient and N = m / (√v + ε) its direction, the residual
/// S = (G − back(R)) · φ has a factor for each line of the longer side: φ_i = ‖N_i‖ / (‖R_i‖ + 10⁻⁸). A
/// residual that has grown by more than 1 % since the step before is shortened to that. The update is
/// η α √(1−β2ᵗ)/(1−β1ᵗ) · (back(N) + S).
package struct Fira: Optimizer {
  package static let name = "fira"
  package static let summary = "Adam on projected gradients, with the scaled rest of the gradient"
  package static let options = LowRankRule.options(scale: 1)

  package var learningRate: Double { rule.learningRate }
  package var weightDecay: Double { rule.weightDecay }
  private let rule: LowRankRule
  private var averages = LowRankState()
  /// Length of the last residual by path.
  private var lengths: [String: Double] = [:]

  /// Most that a residual may grow in a step.
  private static let growthLimit = 1.01

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    rule = LowRankRule(options, diagnostics)
  }

  package mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {
    let step = averages.step(parameter.path, gradient, rule)
    var direction = step.direction
    if let (projected, projection) = step.projected {
      let rest = step.gradient - projection.back(projected)
      let residual = limited(
        Self.scaled(rest, by: step.direction, over: projected), parameter.path)
      direction = (projection.back(step.direction) + residual).scaled(by: rule.scale)
    }
    parameter.move(
      against: direction, rate: learningRate * step.correction, decay: learningRate * weightDecay)
  }

  /// The rest `[m, n]` with the factors φ of rows, or of columns where R has fewer rows than columns.
  private static func scaled(_ rest: Tensor, by direction: Tensor, over projected: Tensor) -> Tensor
  {
    let (m, n) = (rest.shape[0], rest.shape[1])
    let (rows, columns) = (projected.shape[0], projected.shape[1])
    let isByColumn = rows < columns
    func lengths(_ matrix: Tensor) -> [Double] {
      var sums = [Double](repeating: 0, count: isByColumn ? columns : rows)
      matrix.withElements(of: Float.self) { values in
        for row in 0..<rows {
          for column in 0..<columns {
            let value = Double(values[row * columns + column])
            sums[isByColumn ? column : row] += value * value
          }
        }
      }
      return sums.map { $0.squareRoot() }
    }
    let factors = zip(lengths(direction), lengths(projected)).map { Float($0 / ($1 + 1e-8)) }
    // With both sides projected the factors are as many as the rank: the mean stands for all.
    let isWhole = factors.count == (isByColumn ? n : m)
    let mean = factors.reduce(0, +) / Float(max(1, factors.count))
    let result = rest.copied()
    result.withMutableElements(of: Float.self) { values in
      for row in 0..<m {
        for column in 0..<n {
          values[row * n + column] *= isWhole ? factors[isByColumn ? column : row] : mean
        }
      }
    }
    return result
  }

  /// A residual that is at most 1 % longer than the one before.
  private mutating func limited(_ residual: Tensor, _ path: String) -> Tensor {
    let length = residual.sumOfSquares().squareRoot()
    guard let before = lengths[path] else {
      lengths[path] = length
      return residual
    }
    let factor = 1 / max(length / (before + 1e-8) / Self.growthLimit, 1)
    lengths[path] = length * factor
    return factor < 1 ? residual.scaled(by: factor) : residual
  }

  package mutating func forget(_ path: String) -> Int? {
    lengths[path] = nil
    return averages.forget(path)
  }

  package var reachedCount: Int { averages.reachedCount }

  package var state: OptimizerState {
    get {
      OptimizerState(
        tensors: averages.tensors
          + lengths.sorted { $0.key < $1.key }.map { ("length." + $0, Tensor([$1], shape: [1])) },
        counts: averages.counts)
    }
    set {
      averages = LowRankState(newValue, rule)
      lengths = [:]
      for (name, value) in newValue.tensors where name.hasPrefix("length.") {
        lengths[String(name.dropFirst("length.".count))] = value.elements(as: Double.self).first
      }
    }
  }
}
