package import Recipes
package import Tensors

/// How values between pixels are found when an image changes its size.
package enum ResizeFilter: String, Sendable, CaseIterable {
  /// Triangle filter over the neighboring pixels.
  case bilinear
  /// Keys' cubic filter; results may lie outside the range of the pixels.
  case bicubic
  /// The pixel whose center is nearest: for classes.
  case nearest

  /// Weights along one axis; nil where pixels are only chosen.
  fileprivate func taps(from input: Int, to output: Int, antialias: Bool) -> AxisTaps? {
    switch (self, antialias) {
    case (.bilinear, true): .antialiasedLinear(from: input, to: output)
    case (.bilinear, false): .linear(from: input, to: output)
    case (.bicubic, true): .antialiasedCubic(from: input, to: output)
    case (.bicubic, false): .cubic(from: input, to: output)
    case (.nearest, _): nil
    }
  }

  /// Share of the weights that must be known for a value to be known.
  ///
  /// A quotient by the small or negative sums that a cubic filter's lobes leave would mean nothing.
  fileprivate var knownShare: Float { self == .bicubic ? 0.5 : 1e-6 }
}

/// An image of another size, pixels being squares whose centers lie at half coordinates.
///
/// With antialiasing the filter grows with the scale where an axis shrinks, as in Pillow and in
/// torchvision's `resize(antialias=True)`; without it four or sixteen pixels are read, as in
/// PyTorch's `interpolate(align_corners=False)`. Weights of unknown pixels drop out: the result is
/// the weighted mean of the known ones, unknown where there is none.
///
/// - Parameters:
///   - image: f32 `[channel, row, column]`, NaN where a value is unknown.
///   - size: rows and columns of the result, at least 1.
///   - filter: how values are found.
///   - antialias: whether shrinking averages over all pixels; nearest never does.
/// - Returns: f32 `[channel, size.height, size.width]`.
package func resized(
  _ image: Tensor, to size: (height: Int, width: Int), by filter: ResizeFilter = .bilinear,
  antialias: Bool = true
) -> Tensor {
  let (height, width) = (image.shape[1], image.shape[2])
  precondition(
    image.rank == 3 && image.dtype == .f32 && size.height > 0 && size.width > 0 && height > 0
      && width > 0, "\(image.dtype) \(image.shape) resized to \(size)")
  guard height != size.height || width != size.width else { return image }
  guard let rows = filter.taps(from: height, to: size.height, antialias: antialias),
    let columns = filter.taps(from: width, to: size.width, antialias: antialias)
  else { return image.nearest(size) }
  // Columns cost more for each value than rows do, so they are resampled where there are fewer rows.
  func weighted(_ image: Tensor) -> Tensor {
    let isFirst = height < size.height && width != size.width
    let wide = isFirst ? image.resampledColumns(columns) : image
    let tall = height == size.height ? wide : wide.resampled(axis: 1, rows)
    return isFirst || width == size.width ? tall : tall.resampledColumns(columns)
  }
  guard let known = image.knownMask else { return weighted(image) }
  let share = weighted(known)
  let result = weighted(image.withoutUnknown)
  let least = filter.knownShare
  share.withElements(of: Float.self) { share in
    result.withMutableElements(of: Float.self) { values in
      for place in values.indices {
        values[place] = share[place] > least ? values[place] / share[place] : .nan
      }
    }
  }
  return result
}

/// A resized image whose channels are scaled so that they keep what the original had.
///
/// M3LEO's `ScaleMean` and `ScaleSum`: mean or sum over the known pixels; a channel where it is 0
/// before or after stays as it is.
///
/// - Parameters:
///   - image: f32 `[channel, row, column]` after a change of size.
///   - original: the image before, of as many channels.
///   - kept: what both have in common afterwards.
/// - Returns: an image of the same shape.
package func scaled(
  _ image: Tensor, like original: Tensor, keeping kept: TargetSection.Preserved
) -> Tensor {
  precondition(image.shape[0] == original.shape[0], "\(image.shape) like \(original.shape)")
  let result = image.copied()
  let pixels = image.shape[1] * image.shape[2]
  let wanted = original.channelTotals(kept)
  let found = image.channelTotals(kept)
  result.withMutableElements(of: Float.self) { values in
    for channel in wanted.indices where wanted[channel] != 0 && found[channel] != 0 {
      let factor = Float(wanted[channel] / found[channel])
      for place in (channel * pixels)..<((channel + 1) * pixels) { values[place] *= factor }
    }
  }
  return result
}

extension Tensor {
  /// 1 where a value is known, else 0; nil where all are.
  fileprivate var knownMask: Tensor? {
    guard notFiniteCounts.nan > 0 else { return nil }
    return withElements(of: Float.self) { values in
      let mask = Tensor(uninitialized: shape)
      mask.withMutableElements(of: Float.self) { mask in
        for place in values.indices { mask[place] = values[place].isNaN ? 0 : 1 }
      }
      return mask
    }
  }

  /// 0 in the place of NaN.
  fileprivate var withoutUnknown: Tensor {
    let copy = copied()
    copy.withMutableElements(of: Float.self) { values in
      for place in values.indices where values[place].isNaN { values[place] = 0 }
    }
    return copy
  }

  /// Sum or mean of the known values of each channel.
  fileprivate func channelTotals(_ kept: TargetSection.Preserved) -> [Double] {
    let pixels = shape[1] * shape[2]
    return withElements(of: Float.self) { values in
      (0..<shape[0]).map { channel in
        var (sum, count) = (0.0, 0)
        for place in (channel * pixels)..<((channel + 1) * pixels) where !values[place].isNaN {
          sum += Double(values[place])
          count += 1
        }
        return kept == .sum ? sum : sum / Double(max(1, count))
      }
    }
  }

  /// The last axis through weights; as `resampled`, without its cost for each single element.
  func resampledColumns(_ taps: AxisTaps) -> Tensor {
    let (input, output, count) = (taps.inputSize, taps.outputSize, taps.tapCount)
    let rows = elementCount / max(1, input)
    let result = Tensor(uninitialized: [shape[0], shape[1], output])
    let weights = taps.weights.map { Float($0) }
    withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        weights.withUnsafeBufferPointer { weights in
          taps.indices.withUnsafeBufferPointer { indices in
            for row in 0..<rows {
              let line = UnsafeBufferPointer(rebasing: source[(row * input)..<((row + 1) * input)])
              var tap = 0
              for column in (row * output)..<((row + 1) * output) {
                var sum: Float = 0
                for _ in 0..<count {
                  sum += weights[tap] * line[Int(indices[tap])]
                  tap &+= 1
                }
                target[column] = sum
              }
            }
          }
        }
      }
    }
    return result
  }

  /// Pixels whose centers are nearest to those of the result: ⌊(i + 1/2) · input / output⌋.
  fileprivate func nearest(_ size: (height: Int, width: Int)) -> Tensor {
    func indices(_ input: Int, _ output: Int) -> Tensor {
      Tensor(
        (0..<output).map { Int32(min((2 * $0 + 1) * input / (2 * output), input - 1)) },
        shape: [output])
    }
    return gathered(axis: 1, indices: indices(shape[1], size.height))
      .gathered(axis: 2, indices: indices(shape[2], size.width))
  }
}
