import Attune
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

/// Pictures of waves in a folder, and a recipe that trains on them.
private struct Waves {
  let folder: TemporaryDirectory

  init(_ count: Int = 40) throws {
    folder = try TemporaryDirectory()
    for number in 0..<count {
      let phase = 0.7 * Double(number)
      let samples = (0..<256).map { place in
        let (row, column) = (Double(place / 16), Double(place % 16))
        return UInt16(128 + 100 * sin(0.4 * row + phase) * cos(0.3 * column))
      }
      try PNGImage(width: 16, height: 16, colorModel: .gray, bitDepth: 8, samples: samples)
        .write(to: folder.path("wave\(number).png"))
    }
  }

  /// Trains and gives the run's record and what its validation loss was.
  func train(_ overrides: [String] = []) throws -> (record: RunRecord, losses: [Double]) {
    try folder.write(Self.recipe, to: "recipe.yaml")
    let result = try Attune.train(
      TrainRequest(
        recipe: folder.path("recipe.yaml"),
        overrides: ["output.dir=\(folder.path("runs"))"] + overrides))
    let lines = try String(
      contentsOfFile: result.directory.path + "/metrics.jsonl", encoding: .utf8)
    let losses = try lines.split(separator: "\n").compactMap { line in
      try JSONDecoder().decode(MetricsEvent.self, from: Data(line.utf8)).metrics["val/loss"]
    }
    let record = try #require(result.record)
    return (record, losses)
  }

  private static let recipe = """
    version: 1
    name: waves
    task: pretrain-mae
    model:
      backbone: {name: vit, patch_size: 4, embed_dim: 32, depth: 2, num_heads: 2}
      weights: none
      pretrain: {decoder: {embed_dim: 16, depth: 1, num_heads: 2}}
    data:
      format: image-folder
      split: {method: random, fractions: [0.6, 0.2, 0.2]}
      transforms: [horizontal-flip]
      batch_size: 8
    train:
      max_steps: 300
      optimizer: {name: adamw, lr: 5e-3}
      lr_scheduler: {name: cosine}
      eval_every: 100
    distributed: {threads: 2}
    """
}

@Suite("Masked pretraining by recipe")
struct PretrainingTests {
  @Test("the validation loss falls, below that of the visible mean")
  func learning() throws {
    let (record, losses) = try Waves().train()
    // Between evaluations it may rise: 40 pictures, and rounding differs between instruction sets.
    #expect(losses.count == 3 && losses[2] < losses[0], "\(losses)")
    let evaluation = try #require(record.evaluations.first)
    #expect(evaluation.split == "test" && evaluation.headline == "loss")
    #expect(evaluation.unitIdentifiers.count == 8)
    #expect(evaluation.metrics[0].value < evaluation.baseline[0].value)
  }

  @Test("recomputed activations change nothing but the memory")
  func checkpointing() throws {
    let waves = try Waves()
    let plain = try waves.train(["train.max_steps=20"])
    let recomputed = try waves.train(
      ["train.max_steps=20", "train.activation_checkpointing=true"])
    #expect(plain.losses == recomputed.losses)
  }

  @Test("the batch size and the number of threads do not change how a model is judged")
  func judging() throws {
    let waves = try Waves()
    let one = try waves.train(["train.max_steps=1", "distributed.threads=1"])
    let two = try waves.train(["train.max_steps=1", "distributed.threads=2"])
    #expect(abs(one.losses[0] - two.losses[0]) <= 1e-5 * one.losses[0])
  }

  @Test("a band without its wavelength is refused before anything is written")
  func missingWavelengths() throws {
    let waves = try Waves(8)
    let small = "{name: less-vit, patch_size: 4, embed_dim: 32, depth: 1, num_heads: 2}"
    #expect {
      try waves.train(["model.backbone=\(small)", "model.inputs={optical: image}"])
    } throws: {
      "\($0)".contains("wavelengths")
    }
    #expect(!FileManager.default.fileExists(atPath: waves.folder.path("runs")))
  }

  @Test(
    "what does not belong to the task is refused",
    arguments: [
      ("train.loss=mse", "train.loss"), ("eval.metrics=[VRMSE]", "does not judge"),
      ("model.backbone={name: morph}", "not pretrained by masking"),
      ("task=pde", "pretrain belongs to task pretrain-mae"),
      ("adapter={method: convpass}", "needs all tokens of a grid"),
      ("model.in_chans=3", "the channels of the data"),
      ("model.img_size=32", "the size of the data"),
    ])
  func refusals(override: String, text: String) throws {
    let waves = try Waves(4)
    #expect {
      try waves.train([override])
    } throws: {
      "\($0)".contains(text)
    }
  }
}
