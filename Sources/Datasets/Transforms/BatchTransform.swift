package import Recipes
package import Tensors

/// A change of whole training batches, whose samples are mixed with each other.
///
/// The partner of a sample is the one at its place from the end, and a batch has one share for all, as
/// in timm.
package protocol BatchTransform: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// Chance of each batch.
  var probability: Double { get }

  /// The share of the sample itself, the rest being its partner's, and where it is seen.
  func mixture(height: Int, width: Int, _ random: inout Philox) -> Mixture
}

/// How a sample and its partner become one.
package enum Mixture: Sendable, Equatable {
  /// share · own + (1 − share) · partner, everywhere.
  case blend(share: Float)
  /// The partner's values in a rectangle, the sample's own around it.
  case paste(rows: Range<Int>, columns: Range<Int>)
}

/// The transforms of batches that recipes can name.
package let batchTransforms = Registry<any BatchTransform.Type>(
  kind: "batch transform",
  [
    CutMix.self,
    Mixup.self,
  ])

extension BatchTransform {
  /// The batch mixed by the chance `probability`; a target of classes becomes shares in any case.
  ///
  /// `BatchMixing` says what the parameters are.
  func mixed(
    _ batch: [String: Tensor], inputs: [String], classes: Int, ignored: Int, _ random: inout Philox
  ) throws(DataError) -> [String: Tensor] {
    let images = inputs.sorted().compactMap { name in batch[name].map { (name, $0) } }
    guard let shape = images.first?.1.shape else { return batch }
    let key = "data.transforms.\(Self.name)"
    guard images.allSatisfy({ $0.1.rank == 4 && $0.1.shape[2...] == shape[2...] }) else {
      throw .optionInvalid(
        key: key, found: "on inputs of \(images.map { "\($0.1.shape.dropFirst())" }.sorted())",
        expected: "images of one size; resize them before")
    }
    guard let target = batch[TargetDescription.field], target.rank == 1 || target.rank == 2 else {
      throw .optionInvalid(
        key: key, found: "in a task without one class or class shares for each sample",
        expected: "a task of classification")
    }
    let mixture =
      random.uniform() < probability
      ? mixture(height: shape[2], width: shape[3], &random) : .blend(share: 1)
    var mixed = batch
    if mixture != .blend(share: 1) {
      for (name, image) in images { mixed[name] = mixture.applied(to: image) }
    }
    let shares = target.rank == 2 ? target : target.shares(of: classes, ignored: ignored)
    let own = mixture.ownShare(height: shape[2], width: shape[3])
    mixed[TargetDescription.field] = Mixture.blend(share: own).applied(to: shares)
    return mixed
  }
}

extension Mixture {
  /// Share of a sample's own values.
  func ownShare(height: Int, width: Int) -> Float {
    switch self {
    case .blend(let share): share
    case .paste(let rows, let columns):
      1 - Float(rows.count * columns.count) / Float(height * width)
    }
  }

  /// f32 `[sample, …]`, mixed with the samples in the opposite order.
  fileprivate func applied(to samples: Tensor) -> Tensor {
    let count = samples.shape[0]
    let size = samples.elementCount / max(1, count)
    let result = samples.copied()
    samples.withElements(of: Float.self) { own in
      result.withMutableElements(of: Float.self) { mixed in
        for sample in 0..<count {
          let (start, other) = (sample * size, (count - 1 - sample) * size)
          switch self {
          case .blend(let share):
            for place in 0..<size {
              mixed[start + place] = share * own[start + place] + (1 - share) * own[other + place]
            }
          case .paste(let rows, let columns):
            let (height, width) = (samples.shape[2], samples.shape[3])
            for line in 0..<samples.shape[1] {
              for row in rows {
                for column in columns {
                  let place = (line * height + row) * width + column
                  mixed[start + place] = own[other + place]
                }
              }
            }
          }
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// Classes i32 `[sample]` as shares f32 `[sample, class]`.
  fileprivate func shares(of classes: Int, ignored: Int) -> Tensor {
    let labels = elements(as: Int32.self)
    let result = Tensor(zeros: [labels.count, classes])
    result.withMutableElements(of: Float.self) { shares in
      for (sample, label) in labels.enumerated() where Int(label) != ignored {
        shares[sample * classes + Int(label)] = 1
      }
    }
    return result
  }
}
