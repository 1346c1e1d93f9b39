package import Datasets
import Foundation
import Formats

/// Computes trajectories into a new file.
///
/// - Throws: where the file exists and is not to be replaced (73), or a solver or the disk fails.
package func makeData(
  _ plan: PDEPlan, at path: String, replacing: Bool, progress: (Int) -> Void
) throws {
  if !replacing, FileManager.default.fileExists(atPath: path) {
    throw FormatError.cannotCreate(
      path: path, reason: "the file exists; pass --force to replace it")
  }
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
  try FileManager.default.createDirectory(
    atPath: folder, withIntermediateDirectories: true)
  try makePDE(plan, at: path, progress: progress)
}
