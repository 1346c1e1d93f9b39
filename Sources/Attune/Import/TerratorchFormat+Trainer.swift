import Recipes

/// Lightning's trainer: lengths, precision, callbacks and loggers.
extension TerratorchFormat {
  static let trainer: [ImportRule] = ImportRule.table(
    [
      .integer("trainer.max_epochs", "train.epochs"),
      ImportRule("trainer.max_steps") { translation, value in
        guard let steps = value.number, steps > 0 else { return .defaulted("no limit") }
        translation.draft.remove("train.epochs")
        translation.set("train.max_steps", .integer(Int(steps)))
        return .mapped()
      },
      ImportRule("trainer.precision", precision),
      ImportRule("trainer.devices") { translation, value in
        guard let devices = value.number.flatMap({ Int(exactly: $0) }), devices > 1 else {
          return .defaulted("one process here")
        }
        let own = translation.root.at("trainer.accumulate_grad_batches")?.number ?? 1
        translation.set("train.gradient_accumulation_steps", .integer(devices * Int(own)))
        return .mapped("as many micro batches for one step, so that it sees as many samples")
      },
      ImportRule("trainer.accumulate_grad_batches") { translation, value in
        guard translation.draft["train.gradient_accumulation_steps"] == nil else {
          return .mapped("with devices")
        }
        translation.set("train.gradient_accumulation_steps", value.plain)
        return .mapped()
      },
      ImportRule("trainer.num_nodes") { _, value in
        value.number == 1
          ? .defaulted("one process here")
          : .unmappable("\(value.shortText) times the batch; raise gradient_accumulation_steps")
      },
      .number("trainer.gradient_clip_val", "train.clip_grad_norm"),
      .only(
        "trainer.gradient_clip_algorithm", ["norm"], "as here",
        otherwise: "gradients are clipped by their norm here"),
      ImportRule("trainer.check_val_every_n_epoch") { translation, value in
        guard let count = value.number else { return .defaulted("every epoch") }
        translation.set("train.eval_every", .text("\(Int(count)) epochs"))
        return .mapped()
      },
      ImportRule("trainer.val_check_interval") { translation, value in
        if case .integer(let steps) = value.value {
          translation.set("train.eval_every", .integer(steps))
          return .mapped("in steps; several micro batches make a step")
        }
        return value.number == 1
          ? .defaulted("every epoch")
          : .unmappable("a part of an epoch; give train.eval_every in steps", changesResult: false)
      },
      .integer("trainer.log_every_n_steps", "train.log_every"),
      .to("trainer.default_root_dir", "output.dir"),
      ImportRule("trainer.deterministic") { _, _ in .defaulted("runs are deterministic here") },
      ImportRule("trainer.callbacks") { _, _ in .open },
      ImportRule("trainer.callbacks.*", callback),
      ImportRule("trainer.logger", logger),
    ],
    ["limit_train_batches", "limit_val_batches", "limit_test_batches", "overfit_batches"].map {
      name in
      ImportRule("trainer.\(name)") { _, value in
        let isWhole = value.number == (name == "overfit_batches" ? 0 : 1)
        return isWhole
          ? .defaulted("everything") : .unmappable("a part of the data; give data.split.limit")
      }
    },
    ["min_epochs", "min_steps", "fast_dev_run"].map {
      ImportRule.only("trainer.\($0)", [false, 0, 1], "off", otherwise: "not offered")
    },
    ImportRule.ignored(
      [
        "accelerator", "strategy", "sync_batchnorm", "enable_checkpointing", "enable_progress_bar",
        "enable_model_summary", "num_sanity_val_steps", "benchmark", "inference_mode", "profiler",
        "detect_anomaly", "barebones", "plugins", "use_distributed_sampler", "max_time",
        "reload_dataloaders_every_n_epochs",
      ].map { "trainer.\($0)" },
      "how Lightning runs and shows it"))

  private static func precision(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    switch value.scalarText ?? "" {
    case "32", "32-true":
      translation.set("train.precision", "fp32")
      return .mapped()
    case "bf16", "bf16-mixed", "bf16-true":
      translation.set("train.precision", "bf16")
      return .mapped("trained values stay in fp32")
    default:
      return .unmappable(
        "\(value.shortText) is not offered: fp32 is used, or set bf16", changesResult: false)
    }
  }

  /// One callback: what it watches and when it stops.
  private static func callback(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    let name = value["class_path"].map(PeerTraining.className) ?? value.scalarText ?? ""
    let arguments = value["init_args"]
    switch name {
    case "EarlyStopping":
      var stopping: [PlainValue.Field] = [
        .init("patience", arguments?["patience"]?.plain ?? 3)
      ]
      if let delta = arguments?["min_delta"]?.number, delta > 0 {
        stopping.append(.init("min_delta", .number(delta)))
      }
      translation.set("train.early_stopping", .map(stopping))
      return watched(arguments, &translation) ?? .mapped()
    case "ModelCheckpoint":
      if let kept = arguments?["save_top_k"]?.number, kept > 1 {
        translation.set("train.save_total_limit", .integer(Int(kept)))
      }
      if let epochs = arguments?["every_n_epochs"]?.number, epochs > 0 {
        translation.set("train.save_every", .text("\(Int(epochs)) epochs"))
      }
      return watched(arguments, &translation) ?? .mapped("best and last are kept in any case")
    case "LearningRateMonitor", "RichProgressBar", "TQDMProgressBar", "ModelSummary",
      "RichModelSummary", "DeviceStatsMonitor", "Timer":
      return .defaulted("steps.jsonl and the log show it")
    case "StochasticWeightAveraging", "EMAWeightAveraging", "WeightAveraging":
      return .unmappable("\(name): averages of weights are not offered")
    default: return .unmappable("callback \(name) is not offered")
    }
  }

  /// Sets the metric that a callback watches; what is wrong with it, or nil.
  private static func watched(
    _ arguments: Located?, _ translation: inout Translation
  ) -> ImportOutcome? {
    guard let text = arguments?["monitor"]?.scalarText else { return nil }
    let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
    guard let metric = PeerTraining.metric(parts.last ?? text) else {
      return .unmappable("metric \(text) is not offered")
    }
    let name = PlainValue.text("\(parts.count == 2 ? parts[0] : "val")/\(metric)")
    if let other = translation.draft["train.monitor"], other != name {
      return .unmappable(
        "it watches \(text), another part \(other.scalarText): a run here watches one metric")
    }
    translation.set("train.monitor", name)
    return nil
  }

  private static func logger(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    if let flag = value.flag {
      translation.set("tracking.tensorboard", .boolean(flag))
      return .mapped()
    }
    let name = value["class_path"].map(PeerTraining.className) ?? ""
    let arguments = value["init_args"]
    if let text = arguments?["name"]?.scalarText {
      translation.set("name", .text(RecipeDraft.folderName(text)))
    }
    if let folder = arguments?["save_dir"]?.scalarText,
      translation.root.at("trainer.default_root_dir") == nil
    {
      translation.set("output.dir", .text(folder))
    }
    switch name {
    case "TensorBoardLogger": translation.set("tracking.tensorboard", true)
    case "CSVLogger": translation.set("tracking.csv", true)
    default: return .unmappable("runs are logged to local files only", changesResult: false)
    }
    return .mapped()
  }
}
