package import Layers
package import Recipes
import Tensors

/// Pairs that are balanced from time to time (weight refactorization and momentum reset, from the
/// benchmark of memory-efficient pretraining): B ← U √Σ, A ← √Σ Vᵀ for B A = U Σ Vᵀ.
///
/// Every `interval` steps, after the update. The update of the weight stays as it is, both factors have the
/// same singular values afterwards, and with `reset_momentum` the optimizer forgets its averages of them,
/// which belong to the factors before. A pair of rank r is decomposed by QR of both factors, at r² (m + n)
/// operations. Pairs whose B is zero stay.
package struct Refactorization: AdapterSchedule {
  package static let name = "refactorization"
  package static let summary = "balances the factors of every pair from time to time"
  package static let options: OptionTable = [
    Option(
      "interval", .integer, default: 200, range: .atLeast(1),
      "Steps from one refactorization to the next."),
    Option(
      "reset_momentum", .boolean, default: true,
      "Let the optimizer forget its averages of the factors each time."),
  ]

  private let interval: Int
  private let resets: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    interval = max(1, options.int("interval"))
    resets = options.bool("reset_momentum")
  }

  package func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook] {
    guard let method = adapter.method as? LoRA, method.form == .pair || method.form == .bias else {
      throw .unsupported(
        module: "adapter.schedule", method: Self.name,
        reason: "it balances the pairs of method lora without use_dora and use_kasa. Choose that")
    }
    if let target = adapter.modules.map(\.target).first(where: { $0.site.groupCount > 1 }) {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason:
          "the pair of a convolution in groups is no product of two matrices. Leave it out of "
          + "target_modules")
    }
    let pairs = adapter.modules.compactMap { $0.change as? LoRADelta }
    return [RefactorizationHook(pairs: pairs, interval: interval, resets: resets)]
  }
}

private struct RefactorizationHook: TrainingHook {
  let pairs: [LoRADelta]
  let interval: Int
  let resets: Bool

  private func isDue(_ step: Int) -> Bool { (step + 1) % interval == 0 }

  func end(step: Int, of total: Int) {
    guard isDue(step) else { return }
    for pair in pairs where pair.up.value.sumOfSquares() > 0 { balance(pair) }
  }

  func forgotten(step: Int, of total: Int) -> [Parameter] {
    isDue(step) && resets ? pairs.flatMap { [$0.down, $0.up] } : []
  }

  /// By QR of both factors and the decomposition of a small matrix.
  private func balance(_ pair: LoRADelta) {
    let a = pair.down.value.reshaped(to: [pair.down.shape[0], -1])
    let b = pair.up.value.reshaped(to: [pair.up.shape[0], -1])
    let (left, right) = (b.orthogonalTriangular(), a.permuted([1, 0]).orthogonalTriangular())
    let parts = matrixProduct(left.r, right.r.permuted([1, 0])).singularValues()
    let roots = Tensor(
      parts.values.elements(as: Float.self).map { max(0, $0).squareRoot() },
      shape: parts.values.shape)
    let up = matrixProduct(left.q, parts.left) * roots
    let down = matrixProduct(parts.right, right.q.permuted([1, 0])).rowsScaled(by: roots)
    let missing = a.shape[0] - roots.shape[0]
    pair.up.value = up.padded(axis: 1, before: 0, after: missing).reshaped(to: pair.up.shape)
    pair.down.value = down.padded(axis: 0, before: 0, after: missing)
      .reshaped(to: pair.down.shape)
  }
}
