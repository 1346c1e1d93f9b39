import Foundation

/// How the learning rate changes over a run.
///
/// Every schedule begins with a linear warm-up if asked for. Rates are those of a step before it is
/// taken: step 0 of a warm-up over w steps uses 1/w of the rate.
package struct Schedule: Sendable {
  package enum Shape: Sendable, Equatable {
    case constant
    case linear
    case cosine
    /// Cycles of `first` steps, each `factor` times as long as the one before (arXiv 1608.03983).
    ///
    /// With `countsWarmup` the first cycle begins with the run, hidden by the warm-up as far as that
    /// goes, as in programs that set PyTorch's scheduler by the epoch; else after the warm-up.
    case cosineRestarts(first: Int, factor: Int, countsWarmup: Bool = false)
    /// Times `factor` every `every` steps.
    case step(every: Int, factor: Double)
    /// Times `factor` when the monitored value has not improved in `patience` evaluations.
    case plateau(factor: Double, patience: Int)
  }

  package let shape: Shape
  package let warmupSteps: Int
  package let totalSteps: Int
  package let minimumRate: Double
  /// State of `plateau`: saved and restored with the run.
  package var plateau = Plateau()

  /// What `plateau` remembers (PyTorch's ReduceLROnPlateau: relative threshold 1e-4).
  package struct Plateau: Codable, Sendable, Equatable {
    package var factor = 1.0
    package var best: Double?
    package var badEvaluations = 0
  }

  package init(shape: Shape, warmupSteps: Int = 0, totalSteps: Int, minimumRate: Double = 0) {
    self.shape = shape
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
    self.minimumRate = minimumRate
  }

  /// Rate of a parameter group for one step.
  /// - Parameters:
  ///   - base: the group's rate at the height of the schedule.
  ///   - step: 0-based optimizer step.
  /// - Returns: the group's rate in that step.
  package func rate(base: Double, step: Int) -> Double {
    if step < warmupSteps { return base * Double(step + 1) / Double(warmupSteps) }
    let done = Double(step - warmupSteps)
    let length = Double(max(1, totalSteps - warmupSteps))
    switch shape {
    case .constant: return base
    case .linear: return between(base, 1 - min(1, done / length))
    case .cosine: return between(base, halfCosine(min(1, done / length)))
    case .cosineRestarts(let first, let factor, let countsWarmup):
      let position = countsWarmup ? Double(step) : done
      var (start, cycle) = (0.0, Double(first))
      while position >= start + cycle {
        start += cycle
        cycle *= Double(factor)
      }
      return between(base, halfCosine((position - start) / cycle))
    case .step(let every, let factor):
      return max(minimumRate, base * pow(factor, Double(Int(done) / max(1, every))))
    case .plateau: return max(minimumRate, base * plateau.factor)
    }
  }

  /// Tells the value that `plateau` watches; smaller is better.
  package mutating func observe(_ value: Double) {
    guard case .plateau(let factor, let patience) = shape else { return }
    if plateau.best.map({ value < $0 * (1 - 1e-4) }) ?? true {
      plateau.best = value
      plateau.badEvaluations = 0
    } else {
      plateau.badEvaluations += 1
    }
    if plateau.badEvaluations > patience {
      plateau.factor *= factor
      plateau.badEvaluations = 0
    }
  }

  private func between(_ base: Double, _ fraction: Double) -> Double {
    minimumRate + (base - minimumRate) * fraction
  }

  private func halfCosine(_ progress: Double) -> Double { 0.5 * (1 + cos(.pi * progress)) }
}
