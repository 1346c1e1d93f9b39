internal import Foundation

/// Cross entropy of logits with class labels, with a weight for each class and for each row's
/// difficulty, a scalar.
///
/// With p the softmax, y the label, w the class weights, s the label smoothing and γ the focus
/// (arXiv 1708.02002), a row counts
///
///     w_y (1 − p_y)^γ (−log p_y)                              where s is 0,
///     Σ_c q_c (−log p_c), q = (1 − s) w_y one-hot + s w / K   where γ is 0.
///
/// - Parameters:
///   - logits: f32 or f64 `[..., class]`.
///   - labels: i32, the shape of `logits` without the last axis.
///   - ignoring: label of the rows that take no part.
///   - smoothing: s; 0 unless `focus` is.
///   - focus: γ.
///   - weights: one for each class, 1 where nil.
///   - divisor: what the sum is divided by, the weights of the rows' labels together where nil.
/// - Returns: of shape `[]`; 0 where every row is ignored.
package func weightedCrossEntropy(
  _ logits: Tensor, labels: Tensor, ignoring: Int? = nil, smoothing: Double = 0,
  focus: Double = 0, weights: [Double]? = nil, divisor: Double? = nil
) -> Tensor {
  let classes = logits.shape[logits.rank - 1]
  precondition(
    labels.dtype == .i32 && labels.shape == Array(logits.shape.dropLast())
      && (smoothing == 0 || focus == 0),
    "logits \(logits.dtype) of \(logits.shape), labels \(labels.dtype) of \(labels.shape)")
  let rows = ClassRows(
    labels: labels.elements(as: Int32.self), ignored: ignoring.map(Int32.init), classes: classes,
    weights: weights ?? [Double](repeating: 1, count: classes),
    smoothing: smoothing, focus: focus)
  let dtype = logits.dtype
  let probabilities = logits.detached().cast(to: .f64).softmax()
  let factor = 1 / max(divisor ?? rows.mass, .leastNormalMagnitude)
  let total = probabilities.withElements(of: Double.self) { rows.total($0) }
  let value = rows.mass == 0 ? 0 : total * factor
  return Tensor(filledWith: value, shape: [], dtype: dtype).recorded(from: [logits]) { gradient in
    let dx = Tensor(uninitialized: probabilities.shape, dtype: .f64)
    let scale = gradient.scalar * factor
    probabilities.withElements(of: Double.self) { p in
      dx.withMutableElements(of: Double.self) { rows.backward(p, scale: scale, into: $0) }
    }
    return [dx.cast(to: dtype)]
  }
}

/// Weights of the labels that take part, added up: what a weighted mean divides by.
package func labelMass(_ labels: Tensor, ignoring: Int?, weights: [Double]?) -> Double {
  let ignored = ignoring.map(Int32.init)
  return labels.withElements(of: Int32.self) { values in
    values.reduce(0.0) { sum, label in
      label == ignored ? sum : sum + (weights.map { $0[Int(label)] } ?? 1)
    }
  }
}

/// Rows of class probabilities beside their labels.
private struct ClassRows: Sendable {
  let labels: [Int32]
  let ignored: Int32?
  let classes: Int
  let weights: [Double]
  let smoothing: Double
  let focus: Double

  /// Weights of the labels that take part, added up.
  var mass: Double {
    labels.reduce(0.0) { $1 == ignored ? $0 : $0 + weights[Int($1)] }
  }

  private static let smallest = 1e-300

  func total(_ p: UnsafeBufferPointer<Double>) -> Double {
    var total = 0.0
    for (row, label) in labels.enumerated() where label != ignored {
      precondition(label >= 0 && label < classes, "label \(label) with \(classes) classes")
      let start = row * classes
      let own = max(p[start + Int(label)], Self.smallest)
      let weight = weights[Int(label)]
      if smoothing > 0 {
        var spread = 0.0
        for c in 0..<classes { spread -= weights[c] * log(max(p[start + c], Self.smallest)) }
        total += -(1 - smoothing) * weight * log(own) + smoothing / Double(classes) * spread
      } else {
        let ease = focus == 0 ? 1 : pow(1 - own, focus)
        total -= weight * ease * log(own)
      }
    }
    return total
  }

  func backward(
    _ p: UnsafeBufferPointer<Double>, scale: Double, into dx: UnsafeMutableBufferPointer<Double>
  ) {
    let share = smoothing / Double(classes)
    let spread = weights.reduce(0, +) * share
    for (row, label) in labels.enumerated() {
      let range = row * classes..<(row + 1) * classes
      guard label != ignored else {
        for place in range { dx[place] = 0 }
        continue
      }
      let own = range.lowerBound + Int(label)
      let weight = weights[Int(label)]
      if smoothing > 0 {
        let mass = (1 - smoothing) * weight + spread
        for c in 0..<classes {
          dx[range.lowerBound + c] =
            scale * (mass * p[range.lowerBound + c] - share * weights[c])
        }
        dx[own] -= scale * (1 - smoothing) * weight
      } else {
        let slope = scale * weight * pull(p[own])
        for place in range { dx[place] = slope * p[place] }
        dx[own] -= slope
      }
    }
  }

  /// −p dL/dp of L = −(1 − p)^γ log p.
  private func pull(_ p: Double) -> Double {
    guard focus > 0 else { return 1 }
    let rest = max(1 - p, 0)
    let bend = rest == 0 ? 0 : focus * pow(rest, focus - 1) * p * log(max(p, Self.smallest))
    return pow(rest, focus) - bend
  }
}

/// Mean cross entropy of logits with target shares, a scalar: −Σ_c t_c log p_c over rows.
/// - Parameters:
///   - logits: f32 or f64 `[..., class]`.
///   - targets: the same shape; no gradient flows to them.
/// - Returns: the mean over rows, of shape `[]`.
package func softCrossEntropy(_ logits: Tensor, targets: Tensor) -> Tensor {
  precondition(
    logits.shape == targets.shape && logits.dtype == targets.dtype,
    "logits \(logits.dtype) of \(logits.shape), targets \(targets.dtype) of \(targets.shape)")
  let classes = logits.shape[logits.rank - 1]
  let rows = logits.elementCount / max(1, classes)
  let dtype = logits.dtype
  let p = logits.detached().cast(to: .f64).softmax()
  let t = targets.detached().cast(to: .f64)
  var total = 0.0
  p.withElements(of: Double.self) { p in
    t.withElements(of: Double.self) { t in
      for place in 0..<p.count where t[place] != 0 {
        total -= t[place] * log(max(p[place], 1e-300))
      }
    }
  }
  let factor = 1 / Double(max(1, rows))
  return Tensor(filledWith: total * factor, shape: [], dtype: dtype).recorded(from: [logits]) {
    let dx = Tensor(uninitialized: p.shape, dtype: .f64)
    let scale = $0.scalar * factor
    p.withElements(of: Double.self) { p in
      t.withElements(of: Double.self) { t in
        dx.withMutableElements(of: Double.self) { dx in
          for row in 0..<rows {
            let range = row * classes..<(row + 1) * classes
            var mass = 0.0
            for place in range { mass += t[place] }
            for place in range { dx[place] = scale * (mass * p[place] - t[place]) }
          }
        }
      }
    }
    return [dx.cast(to: dtype)]
  }
}
