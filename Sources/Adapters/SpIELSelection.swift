import Layers
import Synchronization
import Tensors

/// What SpIEL remembers of one target's entries and of the candidates to come, all `[K]`.
struct SpIELMemory: Sendable {
  /// Averages of gradient and squared gradient, and gradients seen, by entry.
  let first: Parameter
  let second: Parameter
  let ages: Parameter
  /// Numbers of candidates, sums of their gradients and squared gradients.
  let candidates: Parameter
  let sums: Parameter
  let squares: Parameter
  /// Gradients in these sums, `[1]`.
  let samples: Parameter

  var buffers: [Parameter] { [first, second, ages, candidates, sums, squares, samples] }
}

/// The entries of one target, and a witness of the whole weight's gradient.
struct SpIELDelta: WeightDelta {
  let sparse: SparseDelta
  let memory: SpIELMemory
  /// Zeros that no optimizer sees, so that their gradient is that of ΔW.
  let witness: Parameter
  let window = OpenWindow()

  var parameters: [Parameter] { sparse.parameters }
  var buffers: [Parameter] { sparse.buffers + memory.buffers }

  func delta(_ layer: SiteRows) -> Tensor { sparse.delta(layer) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let change = delta(layer)
    let isSeen = context.isTraining && window.isOpen
    return layer.applied(
      isSeen ? change + witness().cast(to: change.dtype) : change, bias: nil, to: x,
      outputs: outputs)
  }

  /// Whether the gradient of the whole weight is wanted.
  final class OpenWindow: Sendable {
    private let state = Mutex(false)
    var isOpen: Bool { state.withLock { $0 } }
    func set(_ isOpen: Bool) { state.withLock { $0 = isOpen } }
  }
}

/// The steps and the moves of SpIEL's entries (arXiv 2401.16405, as in the authors' program).
///
/// At the beginning of every period of `interval` steps, candidates are looked at for `window` steps: the K
/// entries of largest gradient in the first of them, whose gradients g and g² are summed. Then the p K
/// entries of least |φ| may go, p = 1 the first time and `share` (1 − t / T) later, and as many candidates
/// of largest |Σ g| that stay not anyway take their places; an entry that would go and come keeps its
/// value. A new entry is zero, of age w, the steps summed, its averages the means of g and g² times
/// 1 − βʷ. Values step by m / (1 − β₁ᵃ) / (√(v / (1 − β₂ᵃ)) + ε), a the entry's age. The program looks at
/// single passes where this looks at steps.
struct SpIELSelection: TrainingHook {
  struct Settings: Sendable {
    let interval: Int
    let window: Int
    let share: Double
    let betas: (Double, Double)
    let epsilon: Double
  }

  private let settings: Settings
  private let deltas: [SpIELDelta]

  init(_ settings: Settings, _ deltas: [SpIELDelta]) {
    (self.settings, self.deltas) = (settings, deltas)
  }

  private func isLooking(_ step: Int) -> Bool { step % settings.interval < settings.window }

  func begin(step: Int, of total: Int) {
    for delta in deltas { delta.window.set(isLooking(step)) }
  }

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    for delta in deltas {
      let whole = gradients[delta.witness.leaf]
      gradients[delta.witness.leaf] = nil
      let leaf = delta.sparse.values.leaf
      guard let own = gradients[leaf], own.isFinite else { continue }
      if isLooking(step), let whole, whole.isFinite {
        look(at: whole, delta, isFirst: step % settings.interval == 0)
      }
      gradients[leaf] = direction(numbers(own), delta)
    }
  }

  func end(step: Int, of total: Int) {
    guard step % settings.interval == settings.window - 1 else { return }
    let left = 1 - Double(step + 1) / Double(max(1, total))
    let share = step < settings.interval ? 1 : settings.share * left
    for delta in deltas {
      delta.window.set(false)
      move(delta, share: share)
    }
  }

  private func numbers(_ tensor: Tensor) -> [Float] {
    tensor.detached().cast(to: .f32).elements(as: Float.self)
  }

  /// Adam's direction by entry.
  private func direction(_ gradient: [Float], _ delta: SpIELDelta) -> Tensor {
    let memory = delta.memory
    var (first, second, ages) = (
      numbers(memory.first.value), numbers(memory.second.value), numbers(memory.ages.value)
    )
    let (b1, b2) = (Float(settings.betas.0), Float(settings.betas.1))
    var powers: [Float: (Float, Float)] = [:]
    var result = [Float](repeating: 0, count: gradient.count)
    for (place, g) in gradient.enumerated() {
      first[place] = b1 * first[place] + (1 - b1) * g
      second[place] = b2 * second[place] + (1 - b2) * g * g
      ages[place] += 1
      let left = powers[ages[place]] ?? (missing(b1, ages[place]), missing(b2, ages[place]))
      powers[ages[place]] = left
      result[place] =
        first[place] / left.0
        / ((second[place] / left.1).squareRoot() + Float(settings.epsilon))
    }
    let shape = [gradient.count]
    memory.first.value = Tensor(first, shape: shape)
    memory.second.value = Tensor(second, shape: shape)
    memory.ages.value = Tensor(ages, shape: shape)
    return Tensor(result, shape: shape)
  }

  /// 1 − βᵃ.
  private func missing(_ beta: Float, _ age: Float) -> Float {
    var (power, base, left) = (1.0, Double(beta), Int(age))
    while left > 0 {
      if left % 2 == 1 { power *= base }
      (base, left) = (base * base, left / 2)
    }
    return Float(1 - power)
  }

  /// Takes the gradient of the whole weight into the candidates' sums; the first one chooses them.
  private func look(at gradient: Tensor, _ delta: SpIELDelta, isFirst: Bool) {
    let memory = delta.memory
    let count = memory.sums.elementCount
    if isFirst {
      let chosen = SparsePositions.largest(gradient, count: count).map { Int32($0) }
      memory.candidates.value = Tensor(chosen, shape: [count])
      memory.sums.value = Tensor(zeros: [count])
      memory.squares.value = Tensor(zeros: [count])
      memory.samples.value = Tensor(zeros: [1])
    }
    let values = numbers(gradient)
    let seen = memory.candidates.value.integers.map { values[$0] }
    func added(_ sums: Parameter, _ values: [Float]) {
      sums.value = Tensor(zip(numbers(sums.value), values).map { $0 + $1 }, shape: [count])
    }
    added(memory.sums, seen)
    added(memory.squares, seen.map { $0 * $0 })
    memory.samples.value = memory.samples.value + Tensor(filledWith: 1, shape: [1])
  }

  /// Gives the places of the least entries to the best candidates.
  private func move(_ delta: SpIELDelta, share: Double) {
    let memory = delta.memory
    let samples = numbers(memory.samples.value)[0]
    guard samples > 0 else { return }
    var values = numbers(delta.sparse.values.value)
    var places = delta.sparse.indices.value.integers
    let count = Int(Double(values.count) * share)
    let going = values.indices.sorted { (abs(values[$0]), $0) < (abs(values[$1]), $1) }
      .prefix(count)
    let gone = Set(going.map { places[$0] })
    let staying = Set(places).subtracting(gone)
    let candidates = memory.candidates.value.integers
    let sums = numbers(memory.sums.value)
    let coming = candidates.indices.filter { !staying.contains(candidates[$0]) }
      .sorted { (abs(sums[$0]), $1) > (abs(sums[$1]), $0) }.prefix(count)
    let come = Set(coming.map { candidates[$0] })
    let freed = going.filter { !come.contains(places[$0]) }
    let new = coming.filter { !gone.contains(candidates[$0]) }
    let squares = numbers(memory.squares.value)
    var (first, second, ages) = (
      numbers(memory.first.value), numbers(memory.second.value), numbers(memory.ages.value)
    )
    let left = (
      missing(Float(settings.betas.0), samples), missing(Float(settings.betas.1), samples)
    )
    for (entry, candidate) in zip(freed, new) {
      places[entry] = candidates[candidate]
      values[entry] = 0
      first[entry] = sums[candidate] / samples * left.0
      second[entry] = squares[candidate] / samples * left.1
      ages[entry] = samples
    }
    let shape = [values.count]
    delta.sparse.values.value = Tensor(values, shape: shape)
    delta.sparse.indices.value = Tensor(places.map { Int32($0) }, shape: shape)
    memory.first.value = Tensor(first, shape: shape)
    memory.second.value = Tensor(second, shape: shape)
    memory.ages.value = Tensor(ages, shape: shape)
    memory.samples.value = Tensor(zeros: [1])
  }
}
