package import Tensors

/// How values of a PDE state are normalized before a model sees them.
package enum FieldNormalization: String, Sendable, CaseIterable, Codable {
  /// Mean and variance of each trajectory and field, future frames included (MORPH's RevIN).
  case perTrajectory = "per-trajectory"
  /// One mean and deviation per field, from the training trajectories or given.
  case zscore
  /// Mean and variance of the input frames of each window and field.
  case perWindow = "per-window"
  case none
}

/// One shift and one scale per field, over time, components and space.
package struct FieldScaling: Sendable, Equatable {
  /// In the order of the fields.
  package let means: [Float]
  package let deviations: [Float]

  package init(means: [Float], deviations: [Float]) {
    self.means = means
    self.deviations = deviations
  }

  /// Added to variances of single trajectories and windows, as the reference does.
  package static let epsilon: Float = 1e-6

  /// `(x - mean) / √(variance + 1e-6)`, population variance.
  package init(sample moments: [Moments]) {
    means = moments.map { Float($0.mean) }
    deviations = moments.map { (Float($0.variance) + Self.epsilon).squareRoot() }
  }

  /// Leaves values as they are.
  package static func identity(fieldCount: Int) -> FieldScaling {
    FieldScaling(
      means: [Float](repeating: 0, count: fieldCount),
      deviations: [Float](repeating: 1, count: fieldCount))
  }

  /// (x - mean) / deviation of frames `[…, F, C, D, H, W]`.
  package func normalized(_ frames: Tensor) -> Tensor {
    mapped(frames) { value, mean, deviation in (value - mean) / deviation }
  }

  /// x · deviation + mean of frames `[…, F, C, D, H, W]`.
  package func denormalized(_ frames: Tensor) -> Tensor {
    mapped(frames) { value, mean, deviation in value * deviation + mean }
  }

  private func mapped(_ frames: Tensor, _ change: (Float, Float, Float) -> Float) -> Tensor {
    let result = Tensor(uninitialized: frames.shape)
    frames.withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        frames.forEachField { field, places in
          let (mean, deviation) = (means[field], deviations[field])
          for place in places { target[place] = change(source[place], mean, deviation) }
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// Calls `body` with each field's stretch of each frame of `[…, F, C, D, H, W]`.
  func forEachField(_ body: (Int, Range<Int>) -> Void) {
    precondition(rank >= 5, "frames need the axes F, C, D, H, W; the shape is \(shape)")
    let fieldCount = shape[rank - 5]
    let points = shape[(rank - 4)...].reduce(1, *)
    for stretch in 0..<elementCount / max(1, points) {
      body(stretch % fieldCount, stretch * points..<(stretch + 1) * points)
    }
  }

  /// Moments of each field of frames `[…, F, C, D, H, W]`.
  package func fieldMoments() -> [Moments] {
    var moments = [Moments](repeating: Moments(), count: shape[rank - 5])
    withElements(of: Float.self) { values in
      forEachField { field, places in
        moments[field].add(UnsafeBufferPointer(rebasing: values[places]))
      }
    }
    return moments
  }

  /// Entries `range` of the first axis, sharing memory.
  func slice(_ range: Range<Int>) -> Tensor {
    precondition(range.upperBound <= shape[0], "rows \(range) of a tensor of shape \(shape)")
    let row = elementCount / shape[0] * dtype.byteCount
    return Tensor(
      shape: [range.count] + shape.dropFirst(), dtype: dtype, storage: storage,
      byteOffset: byteOffset + range.lowerBound * row)
  }
}
