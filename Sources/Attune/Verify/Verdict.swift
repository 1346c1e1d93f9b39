import Tensors

/// The comparison of one case by the pass rule of the parity cases.
///
/// For every stored tensor max|a − b| ≤ tol · max(max|b|, 0.1 G), G the largest stored magnitude
/// among the case's outputs, or among its gradients; the loss within tol · max(1, |b|); parameters
/// said to have no gradient have none.
package struct Verdict: Sendable, Codable, Equatable {
  package var name: String
  package var family: String
  /// Stored tensors that were compared.
  package var compared: Int
  /// Stored tensors that our run did not give.
  package var missing: Int
  package var maxAbs: Double
  /// Largest error in units of the rule's reference magnitude.
  package var maxRel: Double
  /// Tensor with the largest relative error, or what is wrong besides.
  package var worst: String
  package var passed: Bool

  private enum CodingKeys: String, CodingKey {
    case name, family, compared, missing, worst, passed
    case maxAbs = "max_abs"
    case maxRel = "max_rel"
  }

  /// Compares a run with the stored tensors; `tolerance` replaces 1e-4 unless the case's own is
  /// larger.
  init(_ parityCase: ParityCase, _ run: ParityRun, tolerance: Double) throws {
    name = parityCase.name
    family = parityCase.family
    (compared, missing, maxAbs, maxRel, worst, passed) = (0, 0, 0, 0, "", true)
    let limit = max(tolerance, parityCase.tolerance ?? 0)
    let names = parityCase.expectedNames
    let stored = try names.map { try parityCase.tensor($0) }
    let scales = Dictionary(
      zip(names, stored).map { (group($0), largest($1)) }, uniquingKeysWith: max)
    for (name, expected) in zip(names, stored) {
      guard let found = run.tensors[name] else {
        missing += 1
        fail("\(name) was not computed")
        continue
      }
      compared += 1
      guard found.shape == expected.shape else {
        fail("\(name): shape \(found.shape), stored \(expected.shape)")
        continue
      }
      let error = largestDifference(found, expected)
      let reference = max(largest(expected), 0.1 * (scales[group(name)] ?? 0))
      let relative = error == 0 ? 0 : error / reference
      maxAbs = max(maxAbs, error)
      if !(relative <= maxRel) { (maxRel, worst) = (relative, passed ? name : worst) }
      if !(error <= limit * reference) { fail(name) }
    }
    try compareLoss(parityCase, run, limit)
    for failure in run.failures { fail(failure) }
    for key in parityCase.withoutGradient where !run.withoutGradient.contains(key) {
      fail("\(key) has a gradient, the reference has none")
    }
  }

  private mutating func compareLoss(
    _ parityCase: ParityCase, _ run: ParityRun, _ limit: Double
  ) throws {
    guard let expected = try parityCase.storedLoss else { return }
    guard let found = run.loss else { return fail("the loss was not computed") }
    if !(abs(found - expected) <= limit * max(1, abs(expected))) {
      fail("loss \(found), stored \(expected)")
    }
  }

  private mutating func fail(_ what: String) {
    if passed { worst = what }
    passed = false
  }
}

/// Outputs are judged beside outputs, gradients beside gradients.
private func group(_ name: String) -> String { name.hasPrefix("grad") ? "gradients" : "outputs" }

private func largest(_ tensor: Tensor) -> Double {
  doubles(tensor).reduce(0) { $1.isNaN ? .nan : max($0, abs($1)) }
}

private func largestDifference(_ a: Tensor, _ b: Tensor) -> Double {
  zip(doubles(a), doubles(b)).reduce(0) { sum, pair in
    let difference = abs(pair.0 - pair.1)
    return difference.isNaN ? .infinity : max(sum, difference)
  }
}

private func doubles(_ tensor: Tensor) -> [Double] {
  switch tensor.dtype {
  case .f64: tensor.elements(as: Double.self)
  case .f32: tensor.elements(as: Float.self).map(Double.init)
  case .i32: tensor.elements(as: Int32.self).map(Double.init)
  case .i64: tensor.elements(as: Int64.self).map(Double.init)
  case .u8: tensor.elements(as: UInt8.self).map(Double.init)
  case .bf16: tensor.cast(to: .f32).elements(as: Float.self).map(Double.init)
  }
}
