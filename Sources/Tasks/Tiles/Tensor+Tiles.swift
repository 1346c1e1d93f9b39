import Tensors

extension Tensor {
  /// Positions `0..<count` in an axis of `length`, those beyond its end mirrored at the last element
  /// (which is not repeated), or equal to it where the axis is too short for a mirror image.
  static func mirrored(_ count: Int, length: Int) -> [Int] {
    let isMirrored = count - length <= length - 1
    return (0..<count).map { index in
      index < length ? index : isMirrored ? 2 * (length - 1) - index : length - 1
    }
  }

  /// `[channel, row, column]` extended on the lower and right side as `mirrored` says.
  func extended(height: Int, width: Int) -> Tensor {
    guard shape[1] < height || shape[2] < width else { return self }
    let rows = Self.mirrored(height, length: shape[1])
    let columns = Self.mirrored(width, length: shape[2])
    let result = Tensor(uninitialized: [shape[0], height, width])
    withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        var position = 0
        for channel in 0..<shape[0] {
          for row in rows {
            let start = (channel * shape[1] + row) * shape[2]
            for column in columns {
              target[position] = source[start + column]
              position += 1
            }
          }
        }
      }
    }
    return result
  }

  /// Squares of `[channel, side, column]` that start at some columns: `[tile, channel, side, side]`.
  func tiles(at starts: [Int], side: Int) -> Tensor {
    let (channels, width) = (shape[0], shape[2])
    let result = Tensor(uninitialized: [starts.count, channels, side, side])
    withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        var position = 0
        for start in starts {
          for line in 0..<(channels * side) {
            for column in 0..<side {
              target[position + column] = source[line * width + start + column]
            }
            position += side
          }
        }
      }
    }
    return result
  }
}
