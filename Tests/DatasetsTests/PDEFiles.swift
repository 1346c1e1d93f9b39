import Datasets
import Formats
import Foundation
import TestSupport

/// Small PDE files of known content.
enum PDEFiles {
  /// Type B: value of trajectory n, time t, place x.
  static func tensor(
    at path: String, shape: [Int] = [6, 5, 8], dt: Double = 0.05,
    _ value: (Int, Int, Int) -> Float = { Float(100 * $0 + 10 * $1 + $2) }
  ) throws {
    let writer = try HDF5Writer(path: path)
    let values = (0..<shape[0]).flatMap { n in
      (0..<shape[1]).flatMap { t in (0..<shape[2]).map { value(n, t, $0) } }
    }
    try writer.writeDataset("tensor", shape: shape, values: values)
    try writer.writeDataset(
      "x-coordinate", shape: [shape[2]],
      values: (0..<shape[2]).map { (Float($0) + 0.5) / Float(shape[2]) })
    try writer.writeDataset(
      "t-coordinate", shape: [shape[1] + 1],
      values: (0...shape[1]).map { Float(Double($0) * dt) })
    try writer.setAttribute("Nu", to: .numbers([0.01]))
    try writer.finish()
  }

  /// Datasets of given shapes that count up from 0.
  static func datasets(at path: String, _ shapes: [(String, [Int])]) throws {
    let writer = try HDF5Writer(path: path)
    for (name, shape) in shapes {
      let count = shape.reduce(1, *)
      try writer.writeDataset(name, shape: shape, values: (0..<count).map { Float($0) })
    }
    try writer.finish()
  }

  static func open(
    _ path: String, _ format: any TrajectoryFormat.Type = PDEBenchFormat.self,
    selecting fields: [FieldRequest]? = nil, thinning: Thinning = Thinning()
  ) throws -> TrajectoryFile {
    try TrajectoryFile(
      path: path, label: "file", format: format, selecting: fields, thinning: thinning)
  }
}
