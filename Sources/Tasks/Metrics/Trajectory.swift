internal import Tensors

/// A state over time on a grid, `[T, F, C, D, H, W]`: frames, fields, components, depth, height,
/// width, row-major.
///
/// An image is one frame of one field with its channels as components. Axes of space that a problem
/// does not have are of length 1.
package struct Trajectory: Sendable {
  /// Lengths of the six axes.
  package struct Shape: Sendable, Equatable {
    package var frames: Int
    package var fields: Int
    package var components: Int
    package var depth: Int
    package var height: Int
    package var width: Int

    /// Cells of one component of one field in one frame.
    package var cells: Int { depth * height * width }
    /// Scalar fields over all frames.
    package var slices: Int { frames * fields * components }
    var space: [Int] { [depth, height, width] }
  }

  package let shape: Shape
  package let values: [Float]

  /// - Parameters:
  ///   - values: elements in row-major order.
  ///   - shape: the lengths of T, F, C, D, H and W.
  package init(_ values: [Float], shape: [Int]) {
    precondition(shape.count == 6, "a trajectory has the axes [T, F, C, D, H, W], not \(shape)")
    self.init(
      values,
      shape: Shape(
        frames: shape[0], fields: shape[1], components: shape[2], depth: shape[3],
        height: shape[4], width: shape[5]))
  }

  package init(_ values: [Float], shape: Shape) {
    precondition(
      values.count == shape.slices * shape.cells, "\(values.count) values for \(shape)")
    self.shape = shape
    self.values = values
  }

  /// One frame as a trajectory of length 1.
  package func frame(_ index: Int) -> Trajectory {
    var single = shape
    single.frames = 1
    let size = single.slices * single.cells
    return Trajectory(Array(values[index * size..<(index + 1) * size]), shape: single)
  }

  /// Mean over all elements.
  var mean: Double { values.reduce(0.0) { $0 + Double($1) } / Double(values.count) }

  /// Mean of the squares of all elements.
  var meanSquare: Double {
    values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
  }

  /// Mean squared distance of all elements from their mean.
  var variance: Double {
    let mean = mean
    return values.reduce(0.0) { sum, value in
      let distance = Double(value) - mean
      return sum + distance * distance
    } / Double(values.count)
  }
}

/// A prediction beside the truth it is measured against.
struct TrajectoryPair {
  let prediction: Trajectory
  let truth: Trajectory

  init(_ prediction: Trajectory, _ truth: Trajectory) {
    precondition(
      prediction.shape == truth.shape,
      "prediction \(prediction.shape) against truth \(truth.shape)")
    self.prediction = prediction
    self.truth = truth
  }

  var count: Int { truth.values.count }

  /// Sum over all elements of a function of the error p - y.
  func sum(_ function: (Double) -> Double) -> Double {
    prediction.values.withUnsafeBufferPointer { p in
      truth.values.withUnsafeBufferPointer { y in
        var sum = 0.0
        for index in 0..<p.count { sum += function(Double(p[index]) - Double(y[index])) }
        return sum
      }
    }
  }

  var squaredError: Double { sum { $0 * $0 } }
  var meanSquaredError: Double { squaredError / Double(count) }

  /// Calls `body` with the cells of each scalar field of each frame, in order.
  func forEachSlice(
    _ body: (_ prediction: UnsafeBufferPointer<Float>, _ truth: UnsafeBufferPointer<Float>) -> Void
  ) {
    let cells = truth.shape.cells
    prediction.values.withUnsafeBufferPointer { p in
      truth.values.withUnsafeBufferPointer { y in
        for slice in 0..<truth.shape.slices {
          let range = slice * cells..<(slice + 1) * cells
          body(UnsafeBufferPointer(rebasing: p[range]), UnsafeBufferPointer(rebasing: y[range]))
        }
      }
    }
  }
}

extension Trajectory {
  func write(to writer: inout ByteWriter) {
    writer.append([
      shape.frames, shape.fields, shape.components, shape.depth, shape.height, shape.width,
    ])
    writer.append(values)
  }

  init(from reader: inout ByteReader) {
    let shape = reader.array(of: Int.self)
    self.init(reader.array(), shape: shape)
  }
}
