import Foundation
import Layers
package import Recipes
import Synchronization
package import Tensors

/// Running averages of one target's sensitivities, and which of its triplets are left.
struct AdaLoRAState: Sendable {
  /// Averages of sensitivity and of its uncertainty, for A, E and B.
  let sensitivity: [Parameter]
  let uncertainty: [Parameter]
  /// 1 for triplets that are left at the end of the schedule, `[r₀]`.
  let kept: Parameter
  /// Steps over which the budget was planned, `[1]`; 0 before the first.
  let total: Parameter

  var buffers: [Parameter] { sensitivity + uncertainty + [kept, total] }

  init(_ target: AdapterTarget, rank: Int) {
    let shapes = [[rank, target.inputs], [rank, 1], [target.rows.count, rank]]
    func values(_ name: String) -> [Parameter] {
      zip(["A", "E", "B"], shapes).map { letter, shape in
        target.buffer("adalora_\(name)_\(letter)", Tensor(zeros: shape))
      }
    }
    sensitivity = values("sensitivity")
    uncertainty = values("uncertainty")
    kept = target.buffer("adalora_kept", Tensor(filledWith: 1, shape: [rank]))
    total = target.buffer("adalora_total", Tensor(zeros: [1]))
  }
}

/// The budget of AdaLoRA (arXiv 2303.10512, section 3.3; PEFT 0.21.2, `RankAllocator`).
///
/// After every step t the sensitivity |p · ∂L/∂p| of all values is averaged, as is its distance from that
/// average; a value's score is their product, a triplet's the score of E plus the mean scores of its row
/// of A and column of B. Every `delta_t` steps the least of all triplets lose their E, so many that a
/// budget is left which falls as a cube from all triplets at `tinit` to `target_r` for each module at
/// `total − tfinal`; they may return until then, and stay as they are afterwards.
package struct AdaLoRABudget: TrainingHook {
  package struct Settings: Sendable {
    let target: Int
    let start: Int
    let end: Int
    let interval: Int
    let beta1: Double
    let beta2: Double
    let total: Int?

    package init(_ options: OptionReader) {
      target = options.int("target_r")
      start = options.int("tinit")
      end = options.int("tfinal")
      interval = max(1, options.int("delta_t"))
      beta1 = options.number("beta1")
      beta2 = options.number("beta2")
      total = options.optionalInt("total_step")
    }

    /// Triplets that are left after step `step`, of `first` in `modules` modules.
    package func budget(step: Int, of total: Int, first: Int, modules: Int) -> Int {
      let last = min(first, target * modules)
      if step <= start { return first }
      if step > total - end { return last }
      let part = Double(step - start) / Double(max(1, total - end - start))
      let left = 1 - part
      return Int(Double(first - last) * left * left * left + Double(last))
    }
  }

  private let settings: Settings
  private let deltas: [AdaLoRADelta]
  private let latest: Latest

  init(_ settings: Settings, _ deltas: [AdaLoRADelta]) {
    (self.settings, self.deltas) = (settings, deltas)
    latest = Latest()
  }

  package func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    latest.gradients.withLock { $0 = gradients }
  }

  package func end(step: Int, of total: Int) {
    let planned = settings.total ?? total
    if step == 0 {
      for delta in deltas {
        delta.state.total.value = Tensor(filledWith: Double(planned), shape: [1])
      }
    }
    let last = planned - settings.end
    guard let gradients = latest.gradients.withLock({ $0 }) else { return }
    if step < last { average(gradients) }
    guard step <= last else {
      apply()
      return
    }
    if step == last || step % settings.interval == 0 && step > settings.start {
      allocate(step: step, of: planned)
      apply()
    }
  }

  private func average(_ gradients: Gradients) {
    for delta in deltas {
      for (index, parameter) in delta.parameters.enumerated() {
        guard let gradient = gradients[parameter.leaf] else { continue }
        let now = numbers(parameter.value * gradient).map { abs($0) }
        let (mean, spread) = (delta.state.sensitivity[index], delta.state.uncertainty[index])
        let (b1, b2) = (settings.beta1, settings.beta2)
        let average = zip(numbers(mean.value), now).map { b1 * $0 + (1 - b1) * $1 }
        let distance = zip(now, average).map { abs($0 - $1) }
        let uncertain = zip(numbers(spread.value), distance).map { b2 * $0 + (1 - b2) * $1 }
        mean.value = Tensor(average.map { Float($0) }, shape: mean.shape)
        spread.value = Tensor(uncertain.map { Float($0) }, shape: spread.shape)
      }
    }
  }

  /// Marks the triplets that the budget leaves.
  private func allocate(step: Int, of total: Int) {
    let scores = deltas.map(scores)
    let all = scores.flatMap { $0 }
    let budget = settings.budget(
      step: step, of: total, first: all.count, modules: deltas.count)
    let removed = all.count - budget
    let limit = removed > 0 ? all.sorted()[removed - 1] : -Double.infinity
    for (delta, scores) in zip(deltas, scores) {
      delta.state.kept.value = Tensor(
        scores.map { Float($0 > limit ? 1 : 0) }, shape: [scores.count])
    }
  }

  /// Scores of a target's triplets.
  private func scores(_ delta: AdaLoRADelta) -> [Double] {
    let products = zip(delta.state.sensitivity, delta.state.uncertainty).map { mean, spread in
      zip(numbers(mean.value), numbers(spread.value)).map { $0 * $1 }
    }
    let (rank, inputs) = (delta.down.shape[0], delta.down.shape[1])
    let outputs = delta.up.shape[0]
    return (0..<rank).map { k in
      let row = products[0][(k * inputs)..<((k + 1) * inputs)].reduce(0, +) / Double(inputs)
      let column =
        stride(from: k, to: outputs * rank, by: rank).reduce(0) { $0 + products[2][$1] }
        / Double(outputs)
      return products[1][k] + row + column
    }
  }

  /// Sets E of the others to zero.
  private func apply() {
    for delta in deltas {
      let kept = delta.state.kept.value.reshaped(to: delta.values.shape)
      delta.values.value = delta.values.value * kept.cast(to: delta.values.value.dtype)
    }
  }

  private func numbers(_ tensor: Tensor) -> [Double] {
    tensor.detached().cast(to: .f64).elements(as: Double.self)
  }

  /// Gradients of the step that is under way.
  private final class Latest: Sendable {
    let gradients = Mutex<Gradients?>(nil)
  }
}
