import Checkpoints
import Foundation
import Layers
import Recipes
package import Tensors

/// Decompositions of weights on disk, named by the weight's content, so that a large model is decomposed
/// once for all runs.
///
/// A file that cannot be read or written costs the decomposition and nothing else. Small matrices are
/// not kept.
package struct FactorCache: Sendable {
  private let folder: String
  /// Shorter sides from which a matrix is kept.
  private let least: Int

  package init(folder: String, least: Int = 256) {
    self.folder = folder
    self.least = least
  }

  /// The singular values of a matrix `[m, n]`: from its file, or computed and written.
  package func singularValues(of matrix: Tensor) -> SingularValues {
    guard matrix.shape.min() ?? 0 >= least else { return matrix.singularValues() }
    let path = folder + "/" + name(of: matrix)
    if let known = read(path, for: matrix) { return known }
    let made = matrix.singularValues()
    try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    try? writeSafetensors([("U", made.left), ("S", made.values), ("Vt", made.right)], to: path)
    return made
  }

  /// SHA-256 of shape and values; the number counts changes of what is computed.
  private func name(of matrix: Tensor) -> String {
    let values = matrix.copied()
    let bytes = Data(bytes: values.pointer, count: values.byteCount)
    let digest = SHA256Digest.of("svd/1 \(matrix.shape) " + SHA256Digest.of(bytes))
    return digest.prefix(32) + ".safetensors"
  }

  private func read(_ path: String, for matrix: Tensor) -> SingularValues? {
    guard FileManager.default.fileExists(atPath: path), let file = try? SafetensorsFile(path: path),
      let left = try? file.tensor("U"), let values = try? file.tensor("S"),
      let right = try? file.tensor("Vt")
    else { return nil }
    let (m, n) = (matrix.shape[0], matrix.shape[1])
    let count = min(m, n)
    guard left.shape == [m, count], values.shape == [count], right.shape == [count, n],
      left.isFinite, values.isFinite, right.isFinite
    else { return nil }
    return SingularValues(
      left: left.copied(), values: values.copied(), right: right.copied())
  }
}

extension AdapterTarget {
  /// W = U diag(σ) Vᵀ of the target's weight `[rows, in · kernel]`.
  func singularValues() -> SingularValues {
    let weight = layer.weight.detached()
    return factors?.singularValues(of: weight) ?? weight.singularValues()
  }
}
