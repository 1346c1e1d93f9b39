import Datasets
import Foundation
import Formats
import Recipes

/// Trajectories of physical fields in HDF5.
enum TrajectorySurvey: DataSurvey {
  static let kind = "trajectories of physical fields"

  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft? {
    let suffixes = trajectoryFormats.entries.flatMap { $0.suffixes }.uniqued()
    let files = folder.files(ending: suffixes).filter { !$0.contains("/") }
    guard let first = files.first,
      let (format, stored) = description(of: folder.path(first))
    else { return nil }
    var draft = RecipeDraft()
    draft.set("task", "pde")
    draft.set("data.format", .text(format))
    let path = files.count == 1 ? first : "*." + (first as NSString).pathExtension
    draft.set("data.inputs.state.path", .text(path))
    let fields = stored.standard.map(\.name)
    draft.comment(
      "data.inputs.state",
      "\(stored.trajectoryCount) trajectories of \(stored.frameCount) frames, grid "
        + stored.space.map(String.init).joined(separator: "x")
        + ", fields \(fields.joined(separator: ", ")).")
    draft.set("data.inputs.state.normalize", "per-trajectory")
    draft.comment(
      "data.inputs.state.normalize",
      "Each trajectory by its first frames; zscore takes one mean for all.")
    draft.set("data.n_steps_input", 1)
    draft.set("data.split", ["method": "trajectory", "fractions": [0.8, 0.1, 0.1]])
    draft.comment("data.split", "Whole trajectories: frames of one lie in one part.")
    addMorph(stored, &draft)
    draft.set("eval.rollout_steps", .integer(max(1, min(20, stored.frameCount - 2))))
    draft.addTraining()
    return draft
  }

  private static func description(of path: String) -> (String, StoredFields)? {
    guard let file = try? HDF5File(reading: path) else { return nil }
    for format in trajectoryFormats.entries {
      if let stored = try? format.describe(file, variable: nil), stored.frameCount > 1 {
        return (format.name, stored)
      }
    }
    return nil
  }

  /// The smallest released MORPH, with patches that the grid is a multiple of.
  private static func addMorph(_ stored: StoredFields, _ draft: inout RecipeDraft) {
    draft.set("model.backbone", ["name": "morph", "size": "Ti"])
    guard
      let side = [8, 4, 2, 1].first(where: { side in
        stored.space.allSatisfy { $0.isMultiple(of: side) }
      }), side < 8
    else { return }
    draft.set("model.backbone.patch_size", .integer(side))
    draft.comment(
      "model.backbone",
      "The grid is no multiple of 8, the patch of the released weights: resample it, or train anew."
    )
  }
}
