package import Tensors

/// The fields of `count` samples, each stacked along a new first axis.
///
/// Samples are read one by one; `identifier` names one that does not fit the first.
func stacked(
  _ count: Int, identifier: (Int) -> String, sample: (Int) throws -> [String: Tensor]
) rethrows -> [String: Tensor] {
  var batch: [String: Tensor] = [:]
  for row in 0..<count {
    for (name, tensor) in try sample(row) {
      let target =
        batch[name] ?? Tensor(uninitialized: [count] + tensor.shape, dtype: tensor.dtype)
      batch[name] = target
      precondition(
        Array(target.shape.dropFirst()) == tensor.shape,
        "sample \(identifier(row)): \(name) has shape \(tensor.shape) in a batch of "
          + "\(target.shape)")
      (target.pointer + row * tensor.byteCount)
        .copyMemory(from: tensor.pointer, byteCount: tensor.byteCount)
    }
  }
  return batch
}

/// The samples of a range, each field stacked along a new first axis.
package func stackedSamples(
  _ samples: any SampleSet, _ range: Range<Int>
) throws -> [String: Tensor] {
  try stacked(
    range.count, identifier: { samples.identifier(range.lowerBound + $0) },
    sample: { try samples.sample(range.lowerBound + $0, epoch: 0) })
}

/// Samples of the same shapes, each field stacked along a new first axis.
package func stackedFields(_ samples: [[String: Tensor]]) -> [String: Tensor] {
  stacked(samples.count, identifier: { "\($0)" }, sample: { samples[$0] })
}
