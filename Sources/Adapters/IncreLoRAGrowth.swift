import Layers
import Synchronization
import Tensors

/// The growth of IncreLoRA's ranks (arXiv 2308.12043, section 3).
///
/// After every step the importance of a module, I = Σ |ΔW ∘ ∂L/∂ΔW| / √(rows · in), is averaged,
/// Ī ← β₁ Ī + (1 − β₁) I, as is its distance from that average, Ū ← β₂ Ū + (1 − β₂) |I − Ī|. After
/// `warmup`, every `interval` steps the modules of largest Ī Ū make their reserves active and get new ones,
/// until `target` times as many units as modules are active; then all reserves go.
struct IncreLoRAGrowth: TrainingHook {
  struct Settings: Sendable {
    let target: Int
    let increment: Int
    let modules: Int
    let warmup: Int
    let interval: Int
    let beta1: Double
    let beta2: Double
  }

  private let settings: Settings
  private let deltas: [IncreLoRADelta]
  private let importances: Importances

  init(_ settings: Settings, _ deltas: [IncreLoRADelta]) {
    (self.settings, self.deltas) = (settings, deltas)
    importances = Importances()
  }

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    var found: [Double] = []
    for delta in deltas {
      let gradient = gradients[delta.witness.leaf]
      gradients[delta.witness.leaf] = nil
      found.append(gradient.map { importance(delta, $0) } ?? 0)
    }
    importances.values.withLock { $0 = found }
  }

  func end(step: Int, of total: Int) {
    guard deltas.contains(where: { $0.count(1) > 0 }) else { return }
    average(importances.values.withLock { $0 })
    let left = settings.target * deltas.count - deltas.reduce(0) { $0 + $1.count(2) }
    if left > 0, step > settings.warmup, step % settings.interval == 0 { grow(left) }
    let active = deltas.reduce(0) { $0 + $1.count(2) }
    if active >= settings.target * deltas.count { for delta in deltas { endReserves(delta) } }
  }

  private func importance(_ delta: IncreLoRADelta, _ gradient: Tensor) -> Double {
    let (rows, inputs) = (delta.witness.shape[0], delta.witness.shape[1])
    let update = delta.matrix.cast(to: .f64).elements(as: Double.self)
    let slope = gradient.detached().cast(to: .f64).elements(as: Double.self)
    let sum = zip(update, slope).reduce(0) { $0 + abs($1.0 * $1.1) }
    return sum / Double(rows * inputs).squareRoot()
  }

  private func average(_ found: [Double]) {
    for (delta, importance) in zip(deltas, found) {
      let before = delta.averages.value.cast(to: .f64).elements(as: Double.self)
      let mean = settings.beta1 * before[0] + (1 - settings.beta1) * importance
      let spread =
        settings.beta2 * before[1] + (1 - settings.beta2) * abs(importance - mean)
      delta.averages.value = Tensor([Float(mean), Float(spread)], shape: [2])
    }
  }

  /// Makes reserves of the most important modules active, `left` units at most.
  private func grow(_ left: Int) {
    let scores = deltas.map { delta in
      let values = delta.averages.value.cast(to: .f64).elements(as: Double.self)
      return values[0] * values[1]
    }
    let order = deltas.indices.filter { deltas[$0].count(1) > 0 }
      .sorted { (scores[$0], $1) > (scores[$1], $0) }
    var left = left
    for index in order.prefix(settings.modules) where left > 0 {
      left -= activate(deltas[index], atMost: min(left, settings.increment))
    }
  }

  /// Makes the first units in reserve active, and puts as many new ones in reserve where there is room.
  ///
  /// - Returns: how many became active.
  private func activate(_ delta: IncreLoRADelta, atMost most: Int) -> Int {
    var roles = delta.roles.value.elements(as: Float.self)
    var values = delta.values.value.cast(to: .f32).elements(as: Float.self)
    let chosen = roles.indices.filter { roles[$0] == 1 }.prefix(most)
    for unit in chosen {
      roles[unit] = 2
      values[unit] = Float(IncreLoRADelta.reserveValue)
    }
    for unit in roles.indices.filter({ roles[$0] == 0 }).prefix(chosen.count) { roles[unit] = 1 }
    delta.roles.value = Tensor(roles, shape: delta.roles.shape)
    delta.values.value = Tensor(values, shape: delta.values.shape)
    return chosen.count
  }

  private func endReserves(_ delta: IncreLoRADelta) {
    let roles = delta.roles.value.elements(as: Float.self).map { $0 == 1 ? 0 : $0 }
    delta.roles.value = Tensor(roles, shape: delta.roles.shape)
  }

  /// Of the step that is under way.
  private final class Importances: Sendable {
    let values = Mutex<[Double]>([])
  }
}
