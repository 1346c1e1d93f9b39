import Recipes
import Reports

extension SyntheticRuns {
  /// A segmentation run of three classes over scenes with these decisions, truth by row.
  static func segmentation(scenes: [[[Int]]], names: [String] = ["bare", "cloud", "water"])
    -> RunDocument
  {
    var run = run { $0.rolloutScore = nil }
    run.record.task = "segmentation"
    var evaluation = run.record.evaluations[0]
    evaluation.classNames = names
    evaluation.unitIdentifiers = scenes.indices.map { "scene \($0)" }
    evaluation.unitDecisions = scenes.map { scene in
      scene.joined().enumerated().flatMap { $1 == 0 ? [] : [$0, $1] } + [-1, 7]
    }
    evaluation.confusion = names.indices.map { row in
      names.indices.map { column in scenes.reduce(0) { $0 + $1[row][column] } }
    }
    run.record.evaluations = [evaluation]
    return run
  }

  /// A run whose adapters changed two kinds of weights in blocks 0 to 11, listed by letters.
  static func adapted(intruders: Int) -> RunDocument {
    var run = run()
    run.record.model.updates = (0..<12).sorted { "\($0)" < "\($1)" }.flatMap { block in
      ["attn.qkv", "mlp.fc1"].map { kind in
        RunRecord.WeightUpdate(
          module: "blocks.\(block).\(kind)", rank: 8,
          effectiveRank: kind == "mlp.fc1" ? 2 : 1 + Double(block), relativeNorm: 0.1,
          intruders: block == 3 ? intruders : 0, looked: 10)
      }
    }
    return run
  }
}
