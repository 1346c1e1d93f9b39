import Foundation
import Recipes

/// mmsegmentation's configurations (1.0 and later), as Python assignments of literals.
///
/// `type` names what is built. A file with `_base_` must be written out first
/// (`tools/misc/print_config.py`), since its other half lies elsewhere.
enum MMSegFormat: PeerFormat {
  static let name = "mmseg"
  static let summary = "configurations of mmsegmentation (Python, written out)"
  static let syntax = PeerSyntax.python

  static func recognizes(_ root: Located) -> Bool { true }

  static let rules: [ImportRule] = ImportRule.table(
    training, surroundings, modelRules, dataRules,
    [
      ImportRule("_base_") { _, value in
        value.texts.isEmpty
          ? .defaulted("empty")
          : .unmappable(
            "the rest of the configuration lies in \(value.shortText): write it out first with "
              + "tools/misc/print_config.py")
      }
    ])

  static func settle(_ translation: inout Translation) {
    translation.draft.setIfAbsent("task", "segmentation")
    if translation.draft["train.optimizer.weight_decay"] == nil,
      translation.draft["train.optimizer.name"]?.scalarText == "adamw",
      translation.root.at("optim_wrapper.optimizer.type")?.scalarText == "Adam"
    {
      translation.assume("optim_wrapper.optimizer.weight_decay", "train.optimizer.weight_decay", 0)
    }
    settleHead(&translation)
    settleFiles(&translation)
  }

  // MARK: Training

  private static let training: [ImportRule] = ImportRule.table(
    [
      ImportRule("train_cfg.type") { _, value in
        ["IterBasedTrainLoop", "EpochBasedTrainLoop"].contains(value.scalarText ?? "")
          ? .mapped("iterations are steps") : .unmappable("loop \(value.shortText) is not offered")
      },
      .integer("train_cfg.max_iters", "train.max_steps"),
      .integer("train_cfg.max_epochs", "train.epochs"),
      ImportRule("train_cfg.val_interval") { translation, value in
        let isByEpoch = translation.root.at("train_cfg.max_epochs") != nil
        let count = Int(value.number ?? 1)
        translation.set(
          "train.eval_every", isByEpoch ? .text("\(count) epochs") : .integer(count))
        return .mapped()
      },
      ImportRule("train_cfg.by_epoch") { _, _ in .mapped("the unit of lengths") },
      ImportRule("optim_wrapper.type") { translation, value in
        if value.scalarText == "AmpOptimWrapper" {
          let type = translation.root.at("optim_wrapper.dtype")?.scalarText
          guard type == "bfloat16" else {
            return .unmappable("fp16 is not offered: fp32 is used", changesResult: false)
          }
          translation.set("train.precision", "bf16")
          return .mapped("trained values stay in fp32")
        }
        return .defaulted("plain steps")
      },
      ImportRule("optim_wrapper.optimizer.type") { translation, value in
        PeerTraining.optimizer(PeerTraining.className(value), &translation)
      },
      .integer("optim_wrapper.accumulative_counts", "train.gradient_accumulation_steps"),
      ImportRule("optim_wrapper.clip_grad") { translation, value in
        guard let norm = value["max_norm"]?.number, value["norm_type"]?.number ?? 2 == 2 else {
          return .unmappable("gradients are clipped by their Euclidean norm here")
        }
        translation.set("train.clip_grad_norm", .number(norm))
        return .mapped()
      },
      ImportRule("optim_wrapper.paramwise_cfg", groups),
      ImportRule("param_scheduler") { _, value in
        value.elements.isEmpty ? .defaulted("none") : .open
      },
      ImportRule("param_scheduler.*", schedule),
      .integer("randomness.seed", "seed"),
    ],
    PeerTraining.optimizerOptions(
      "optim_wrapper.optimizer", name: "optim_wrapper.optimizer.type"),
    ImportRule.ignored(
      [
        "optim_wrapper.dtype", "optim_wrapper.loss_scale", "randomness.deterministic",
        "randomness.diff_rank_seed", "optimizer", "train_cfg.val_begin",
        "train_cfg.dynamic_intervals",
      ], "said elsewhere, or a matter of speed"))

  /// Rates and decays of parameters whose path has a word.
  private static func groups(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    let rate = translation.root.at("optim_wrapper.optimizer.lr")?.number ?? 0
    let decay = translation.root.at("optim_wrapper.optimizer.weight_decay")?.number ?? 0.01
    let words = value["custom_keys"]?.entries ?? []
    let others = value.entries.filter { $0.key != "custom_keys" && !$0.value.isNull }
    let list = words.map { entry -> PlainValue in
      var fields: [PlainValue.Field] = [.init("match", .text("re:.*\(pattern(entry.key)).*"))]
      if let factor = entry.value["lr_mult"]?.number {
        fields.append(.init("lr", .number(factor * rate)))
      }
      if let factor = entry.value["decay_mult"]?.number {
        fields.append(.init("weight_decay", .number(factor * decay)))
      }
      return .map(fields)
    }
    if !list.isEmpty { translation.set("train.lr_groups", .list(list)) }
    guard others.isEmpty else {
      return .unmappable(
        "\(others.map(\.key).joined(separator: ", ")) have no counterpart; custom_keys are lr_groups"
      )
    }
    return .mapped("a word anywhere in a path, as there; paths are this program's own")
  }

  /// mmseg's word as a regular expression for our path.
  private static func pattern(_ word: String) -> String {
    let names = ["absolute_pos_embed": "pos_embed", "head": "decoder", "decode_head": "decoder"]
    return (names[word] ?? word).replacing(".", with: "\\.")
  }

  /// One of the schedules that follow each other: a warm-up, then the course of the rate.
  private static func schedule(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    let isByEpoch = value["by_epoch"]?.flag ?? true
    let isConverted = value["convert_to_iter_based"]?.flag == true
    let (begin, end) = (value["begin"]?.number ?? 0, value["end"]?.number)
    let note = isByEpoch && !isConverted ? "the rate changes with every step, not every epoch" : nil
    switch value["type"]?.scalarText ?? "" {
    case "LinearLR" where begin == 0:
      guard value["start_factor"]?.number ?? 1.0 / 3 <= 0.01, let end else {
        return .unmappable("a warm-up begins at 0 here")
      }
      let field = isByEpoch ? "warmup_epochs" : "warmup_steps"
      translation.set(
        "train.lr_scheduler.\(field)", isByEpoch ? .number(end) : .integer(Int(end)))
      return .mapped(
        [note, "the warm-up begins at 0"].compactMap { $0 }.joined(separator: "; "))
    case "PolyLR":
      guard value["power"]?.number ?? 1 == 1 else {
        return .unmappable(
          "a polynomial of power \(value["power"]?.shortText ?? "") is not offered")
      }
      translation.set("train.lr_scheduler.name", "linear")
    case "CosineAnnealingLR":
      translation.set("train.lr_scheduler.name", "cosine")
    case "ConstantLR" where value["factor"]?.number == 1:
      translation.set("train.lr_scheduler.name", "constant")
    default:
      return .unmappable("schedule \(value["type"]?.shortText ?? "") is not offered")
    }
    if let least = value["eta_min"]?.number {
      translation.set("train.lr_scheduler.min_lr", .number(least))
    }
    let length = translation.root.at("train_cfg.\(isByEpoch ? "max_epochs" : "max_iters")")?.number
    if let end, let length, end != length {
      return .unmappable("it ends at \(end.formatted()), the run at \(length.formatted())")
    }
    return .mapped(note)
  }

  // MARK: Surroundings

  private static let surroundings: [ImportRule] = ImportRule.table(
    [
      .to("work_dir", "output.dir"),
      ImportRule("load_from") { translation, value in
        translation.set("model.weights", value.plain)
        return .mapped()
      },
      ImportRule("resume") { translation, value in
        translation.set("train.resume", value.flag == true ? "auto" : "never")
        return .mapped()
      },
      ImportRule("default_hooks.checkpoint", checkpoint),
      ImportRule("default_hooks.logger") { translation, value in
        guard let interval = value["interval"]?.number else { return .defaulted("as here") }
        translation.set("train.log_every", .integer(Int(interval)))
        return .mapped()
      },
      ImportRule("val_evaluator", evaluator), ImportRule("test_evaluator", evaluator),
    ],
    ImportRule.foreign(["custom_hooks", "custom_imports"], "code of the user's own"),
    ImportRule.foreign(
      ["tta_model", "tta_pipeline", "test_pipeline_tta"],
      "evaluation by several views is not offered", changesResult: false),
    ImportRule.ignored(
      [
        "default_hooks.timer", "default_hooks.param_scheduler", "default_hooks.sampler_seed",
        "default_hooks.visualization", "env_cfg", "vis_backends", "visualizer", "log_processor",
        "log_level", "default_scope", "launcher", "val_cfg", "test_cfg", "find_unused_parameters",
        "auto_scale_lr", "gpu_ids", "device", "cfg",
      ], "how OpenMMLab runs and shows it"))

  private static func checkpoint(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    if let interval = value["interval"]?.number {
      let isByEpoch = value["by_epoch"]?.flag ?? true
      translation.set(
        "train.save_every", isByEpoch ? .text("\(Int(interval)) epochs") : .integer(Int(interval)))
    }
    if let kept = value["max_keep_ckpts"]?.number, kept > 0 {
      translation.set("train.save_total_limit", .integer(Int(kept)))
    }
    if let best = value["save_best"]?.scalarText, best != "auto" {
      guard let metric = PeerTraining.metric(best) else {
        return .unmappable("metric \(best) is not offered")
      }
      translation.set("train.monitor", .text("val/" + metric))
    }
    return .mapped("best and last are kept in any case")
  }

  private static func evaluator(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    let known = value["iou_metrics"]?.texts ?? []
    let names = ["mIoU": ["mIoU"], "mDice": ["mDice"], "mFscore": ["F1_Macro"]]
    let metrics = known.flatMap { names[$0] ?? [] }
    guard value["type"]?.scalarText == "IoUMetric", metrics.count == known.count else {
      return .unmappable("this measure is not offered", changesResult: false)
    }
    if !metrics.isEmpty {
      translation.set("eval.metrics", .list(metrics.map(PlainValue.text)))
    }
    return .mapped("over all pixels of the part, as there")
  }
}
