import Recipes

/// torchtune's recipes (0.4 to 0.6): `_component_` names what is built, the other keys of a map are its
/// arguments.
///
/// torchtune trains language models: adapter, optimizer, schedule and batch are translated, model,
/// tokenizer and text data are not.
enum TorchtuneFormat: PeerFormat {
  static let name = "torchtune"
  static let summary = "recipes of torchtune (YAML with _component_)"
  static let syntax = PeerSyntax.yaml

  static func recognizes(_ root: Located) -> Bool {
    root.entries.contains { $0.value["_component_"] != nil }
  }

  static let rules: [ImportRule] = ImportRule.table(
    model,
    checkpoint,
    training,
    surroundings)

  /// Adapters of torchtune's model builders, with their defaults (rank 8, alpha 16).
  static func settle(_ translation: inout Translation) {
    guard translation.draft["adapter"] != nil else { return }
    translation.draft.setIfAbsent("adapter.method", "lora")
    translation.assume("model.lora_rank", "adapter.r", 8)
    translation.assume("model.lora_alpha", "adapter.alpha", 16)
    let layers = Set(["model.lora_attn_modules", "model.apply_lora_to_mlp"])
    let names = translation.root.at("model.lora_attn_modules")?.texts ?? []
    var patterns = PeerModules.translated(names).patterns
    if translation.root.at("model.apply_lora_to_mlp")?.flag == true {
      patterns += ["mlp.fc1", "mlp.fc2"]
    }
    guard !patterns.isEmpty else { return }
    for key in layers.sorted() where translation.root.at(key) != nil {
      translation.set("adapter.target_modules", .list(patterns.map(PlainValue.text)), for: key)
    }
  }

  // MARK: Model and adapter

  private static let model: [ImportRule] = ImportRule.table(
    [
      ImportRule("model._component_") { translation, value in
        let builder = PeerTraining.className(value)
        if builder.contains("lora") { translation.draft.set("adapter.method", "lora") }
        if builder.hasPrefix("qlora") {
          return .unmappable("\(builder): a language model with quantized weights")
        }
        return .unmappable(
          "\(builder): a language model, Attune's backbones are of images and fields")
      },
      .integer("model.lora_rank", "adapter.r"),
      .number("model.lora_alpha", "adapter.alpha"),
      .number("model.lora_dropout", "adapter.dropout"),
      ImportRule("model.lora_attn_modules") { _, value in
        value.texts.isEmpty ? .defaulted("empty") : .mapped()
      },
      ImportRule("model.apply_lora_to_mlp") { _, value in
        value.flag == true ? .mapped("both layers of the MLP") : .defaulted("off, as here")
      },
      .only(
        "model.apply_lora_to_output", [false], "the head is trained in full here",
        otherwise: "the task's head has no adapter here: it is trained in full"),
      ImportRule("model.use_dora") { PEFTFormat.flag("use_dora", $1, &$0) },
      .only(
        "model.quantize_base", [false], "weights keep their precision",
        otherwise: "quantized base weights are not offered"),
    ],
    ImportRule.foreign(
      [
        "model.vocab_size", "model.max_seq_len", "model.decoder_trainable",
        "model.encoder_trainable",
        "model.fusion_trainable", "model.image_size", "model.rope_base", "model.num_layers",
        "model.num_heads", "model.num_kv_heads", "model.embed_dim", "model.intermediate_dim",
        "model.attn_dropout",
      ], "belongs to the language model"),
    ImportRule.foreign(
      ["tokenizer", "dataset", "dataset_val", "system_prompt"],
      "text data; a recipe names images or fields under data"))

  private static let checkpoint: [ImportRule] = ImportRule.table(
    ImportRule.foreign(
      ["checkpointer.checkpoint_dir", "checkpointer.checkpoint_files"],
      "weights of the language model"),
    [
      ImportRule("checkpointer.output_dir") { translation, value in
        translation.root["output_dir"] == nil
          ? directory(value, &translation)
          : .defaulted("output_dir names the folder")
      },
      ImportRule("resume_from_checkpoint") { translation, value in
        translation.set("train.resume", value.flag == true ? "auto" : "never")
        return .mapped()
      },
    ],
    ImportRule.ignored(
      [
        "checkpointer._component_", "checkpointer.model_type", "checkpointer.recipe_checkpoint",
        "checkpointer.adapter_checkpoint", "checkpointer.safe_serialization",
        "checkpointer.keep_last_n_checkpoints",
      ], "how torchtune stores weights"),
    ImportRule.ignored(
      ["save_adapter_weights_only"], "adapter and checkpoints are kept apart here in any case"))

  // MARK: Training

  private static let training: [ImportRule] = ImportRule.table(
    [
      ImportRule("optimizer._component_") { translation, value in
        PeerTraining.optimizer(PeerTraining.className(value), &translation)
      },
      ImportRule("lr_scheduler._component_") { translation, value in
        guard PeerTraining.className(value) == "get_cosine_schedule_with_warmup" else {
          return .unmappable("schedule \(value.shortText) is not offered")
        }
        translation.set("train.lr_scheduler.name", "cosine")
        return .mapped()
      },
      .integer("lr_scheduler.num_warmup_steps", "train.lr_scheduler.warmup_steps"),
      .only(
        "lr_scheduler.num_cycles", [0.5], "half a cosine, as here",
        otherwise: "other than half a cosine is not offered"),
      ImportRule("loss._component_") { translation, value in
        guard
          value.scalarText?.contains("CrossEntropy") == true
            || value.scalarText?.contains("CEWithChunked") == true
        else { return .unmappable("loss \(value.shortText) is not offered") }
        translation.set("train.loss", "cross-entropy")
        return .mapped("pieces of the output are a matter of memory only")
      },
      .integer("batch_size", "data.batch_size"),
      .integer("epochs", "train.epochs"),
      ImportRule("max_steps_per_epoch", shortEpochs),
      .integer("gradient_accumulation_steps", "train.gradient_accumulation_steps"),
      .number("clip_grad_norm", "train.clip_grad_norm"),
      .integer("seed", "seed"),
      ImportRule("shuffle") { translation, value in
        translation.set("data.sampler", value.flag == false ? "sequential" : "shuffle")
        return .mapped()
      },
      ImportRule("dtype") { translation, value in
        guard let precision = ["bf16": "bf16", "fp32": "fp32"][value.scalarText ?? ""] else {
          return .unmappable("\(value.shortText) is not offered", changesResult: false)
        }
        translation.set("train.precision", .text(precision))
        return .mapped(precision == "bf16" ? "trained values stay in fp32 here" : nil)
      },
      ImportRule("enable_activation_checkpointing") { translation, value in
        translation.set("train.activation_checkpointing", .boolean(value.flag == true))
        return .mapped()
      },
      .only(
        "optimizer_in_bwd", [false], "the optimizer works after the backward pass",
        otherwise:
          "the optimizer works after the backward pass here, which clips and accumulates as "
          + "written"),
    ],
    PeerTraining.optimizerOptions("optimizer", name: "optimizer._component_"),
    ImportRule.ignored(
      [
        "loss.num_output_chunks", "loss.ignore_index", "enable_activation_offloading", "compile",
        "device", "custom_sharded_layers", "fsdp_cpu_offload", "fsdp_reshard_after_forward",
        "tensor_parallel_dim", "tensor_parallel_plan", "data_parallel_shard_dim",
        "data_parallel_replicate_dim", "cudnn_deterministic_mode", "enable_fp8_training",
        "use_grad_scaler",
      ], "a matter of memory and speed"))

  /// Epochs cut short: steps in all.
  private static func shortEpochs(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    guard let steps = value.number, let epochs = translation.root["epochs"]?.number else {
      return .unmappable("epochs are missing")
    }
    translation.draft.remove("train.epochs")
    translation.set("train.max_steps", .integer(Int(steps * epochs)))
    return .mapped("epochs times steps; an epoch here is the whole part")
  }

  // MARK: Logs

  private static let surroundings: [ImportRule] = ImportRule.table(
    [
      ImportRule("output_dir") { directory($1, &$0) },
      .integer("log_every_n_steps", "train.log_every"),
      ImportRule("metric_logger._component_") { translation, value in
        switch PeerTraining.className(value) {
        case "TensorBoardLogger":
          translation.set("tracking.tensorboard", true)
          return .mapped()
        case "DiskLogger", "StdoutLogger":
          return .defaulted("steps.jsonl and the log hold the same")
        default:
          return .unmappable("runs are logged to local files only", changesResult: false)
        }
      },
    ],
    ImportRule.ignored(
      [
        "profiler", "log_peak_memory_stats", "log_level", "base_dir", "model_dir",
        "data_dir",
      ], "logs and measurements"),
    ImportRule.ignored(["metric_logger.*"], "where logs go; here into the run directory"))

  private static func directory(
    _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    translation.set("output.dir", .text(resolved(value.scalarText ?? "", translation.root)))
    return .mapped()
  }

  /// The text with `${name}` replaced by what stands at the top of the file.
  private static func resolved(_ text: String, _ root: Located) -> String {
    text.replacing(#/\$\{([A-Za-z_.]+)\}/#) { match in
      root.at(String(match.1))?.scalarText ?? String(match.0)
    }
  }
}
