import Layers
import Synchronization
import Tensors

/// Lengths ‖X_j‖₂ of the inputs of linear layers over all tokens of a batch, by the layers' paths.
///
/// The loss is computed as in evaluation, and not differentiated. Inputs of convolutions are left out.
func inputLengths(_ batch: Batch, _ loss: LossFunction) -> [String: [Double]] {
  let sums = Mutex<[String: [Double]]>([:])
  let context = ForwardContext.evaluation.observingInputs { path, input in
    let columns = input.shape.last ?? 0
    guard input.rank == 2 || input.rank == 3 else { return }
    var own = [Double](repeating: 0, count: columns)
    let values = input.cast(to: .f32).elements(as: Float.self)
    for (place, value) in values.enumerated() { own[place % columns] += Double(value * value) }
    sums.withLock { sums in
      guard let known = sums[path] else {
        sums[path] = own
        return
      }
      sums[path] = zip(known, own).map { $0 + $1 }
    }
  }
  _ = loss(batch.part(0..<batch.count), context)
  return sums.withLock { $0 }.mapValues { $0.map { $0.squareRoot() } }
}
