import Layers
import Tensors

/// Averages of all parameters: projected ones of long matrices, plain ones of the others.
struct LowRankState {
  /// What a gradient gave.
  struct Step {
    /// `[m, n]` for a projected one, else of the parameter's shape.
    let gradient: Tensor
    /// The projected gradient R and its projection; nil for a parameter that is not projected.
    let projected: (gradient: Tensor, projection: GradientProjection)?
    /// Of the averages, in the projection where there is one; its correction is not in it.
    let direction: Tensor
    /// Belongs to the learning rate.
    let correction: Double
  }

  private var projected: [String: ProjectedMoments] = [:]
  private var plain: [String: AdamMoments] = [:]

  /// Takes the gradient of a parameter in.
  mutating func step(_ path: String, _ gradient: Tensor, _ rule: LowRankRule) -> Step {
    guard rule.projects(gradient.shape) else {
      var moments =
        plain[path] ?? AdamMoments(shape: gradient.shape, isEightBit: rule.isEightBit)
      plain[path] = nil
      let direction = moments.direction(gradient, betas: rule.betas, epsilon: rule.epsilon)
      let correction = moments.correction(betas: rule.betas)
      plain[path] = moments
      return Step(
        gradient: gradient, projected: nil, direction: direction, correction: correction)
    }
    let matrix = rule.matrix(gradient)
    var moments = projected[path] ?? ProjectedMoments(matrix, rule)
    projected[path] = nil
    let step = moments.step(matrix, rule)
    let correction = moments.moments.correction(betas: rule.betas)
    projected[path] = moments
    return Step(
      gradient: matrix, projected: (step.gradient, moments.projection),
      direction: step.direction, correction: correction)
  }

  /// As `Optimizer.forget`.
  mutating func forget(_ path: String) -> Int? {
    let known = [plain.removeValue(forKey: path), projected.removeValue(forKey: path)?.moments]
    return known.compactMap { $0?.reachedCount }.first
  }

  var reachedCount: Int {
    plain.values.reduce(0) { $0 + $1.reachedCount }
      + projected.values.reduce(0) { $0 + $1.moments.reachedCount }
  }

  // MARK: Saving

  var tensors: [(name: String, value: Tensor)] {
    plain.sorted { $0.key < $1.key }.flatMap { $1.tensors("\($0).") }
      + projected.sorted { $0.key < $1.key }.flatMap { $1.tensors($0) }
  }

  /// Steps by path, and steps since the last projection by `age.` and the path.
  var counts: [String: Int] {
    var counts = plain.mapValues(\.steps)
    for (path, moments) in projected {
      counts[path] = moments.counts.steps
      counts["age." + path] = moments.counts.age
    }
    return counts
  }

  init() {}

  /// What was saved.
  init(_ state: OptimizerState, _ rule: LowRankRule) {
    let tensors = Dictionary(state.tensors.map { ($0.name, $0.value) }) { first, _ in first }
    for (path, steps) in state.counts where !path.hasPrefix("age.") {
      if let age = state.counts["age." + path] {
        projected[path] = ProjectedMoments(tensors, path, steps: steps, age: age, rule)
      } else {
        plain[path] = AdamMoments(
          tensors, "\(path).", steps: steps, isEightBit: rule.isEightBit)
      }
    }
  }
}

extension Parameter {
  /// Goes against a direction, then shrinks by the decoupled decay.
  ///
  /// - Parameters:
  ///   - direction: As many values as the parameter has.
  ///   - rate: Times the direction.
  ///   - decay: Share of the value that goes.
  func move(against direction: Tensor, rate: Double, decay: Double) {
    let moved = value - direction.reshaped(to: shape).scaled(by: rate)
    value = decay > 0 ? moved.scaled(by: 1 - decay) : moved
  }
}
