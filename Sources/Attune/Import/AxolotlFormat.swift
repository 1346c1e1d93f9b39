import Recipes

/// axolotl's configurations (0.4 and later): flat YAML around the trainer of transformers.
///
/// axolotl trains language models: adapter, optimizer, schedule and batch are translated, model and text
/// data are not. Where a file is silent the trainer's defaults are written out: no weight decay, gradients
/// clipped at 1, cosine, seed 42.
enum AxolotlFormat: PeerFormat {
  static let name = "axolotl"
  static let summary = "configurations of axolotl (YAML with base_model and micro_batch_size)"
  static let syntax = PeerSyntax.yaml

  static func recognizes(_ root: Located) -> Bool {
    root["base_model"] != nil || root["micro_batch_size"] != nil && root["num_epochs"] != nil
  }

  static let rules: [ImportRule] = ImportRule.table(
    adapter,
    training,
    schedule,
    rhythm,
    text)

  static func settle(_ translation: inout Translation) {
    if let adapter = translation.root["adapter"]?.scalarText, !adapter.isEmpty {
      translation.assume("lora_r", "adapter.r", 8)
      translation.assume("lora_alpha", "adapter.alpha", 8)
    }
    translation.assume("optimizer", "train.optimizer.name", "adamw")
    translation.assume("weight_decay", "train.optimizer.weight_decay", 0)
    translation.assume("max_grad_norm", "train.clip_grad_norm", 1)
    translation.assume("lr_scheduler", "train.lr_scheduler.name", "cosine")
    translation.assume("seed", "seed", 42)
    translation.assume("micro_batch_size", "data.batch_size", 1)
    moments(&translation)
    if let ratio = translation.root["cosine_min_lr_ratio"]?.number,
      let rate = translation.root["learning_rate"]?.number
    {
      translation.set(
        "train.lr_scheduler.min_lr", .number(ratio * rate), for: "cosine_min_lr_ratio")
    }
    // Both say how long; transformers lets the steps win.
    if translation.draft["train.max_steps"] != nil, translation.draft["train.epochs"] != nil {
      translation.draft.remove("train.epochs")
      translation.settle("num_epochs", .defaulted("max_steps wins"))
    }
  }

  private static func moments(_ translation: inout Translation) {
    let root = translation.root
    let given = ["adam_beta1", "adam_beta2"].filter { root[$0] != nil && root[$0]?.isNull == false }
    guard !given.isEmpty else { return }
    let betas: PlainValue = [
      .number(root["adam_beta1"]?.number ?? 0.9), .number(root["adam_beta2"]?.number ?? 0.999),
    ]
    for key in given { translation.set("train.optimizer.betas", betas, for: key) }
  }

  // MARK: Adapter

  private static let adapter: [ImportRule] = ImportRule.table(
    [
      ImportRule("base_model") { PEFTFormat.base($1.scalarText ?? "", &$0) },
      ImportRule("adapter") { translation, value in
        switch value.scalarText {
        case "lora":
          translation.set("adapter.method", "lora")
          return .mapped()
        case "qlora":
          translation.set("adapter.method", "lora")
          return .unmappable(
            "lora on quantized base weights: the weights keep their precision here")
        default: return .unmappable("adapter \(value.shortText) is not offered")
        }
      },
      .integer("lora_r", "adapter.r"),
      .number("lora_alpha", "adapter.alpha"),
      .number("lora_dropout", "adapter.dropout"),
      ImportRule("lora_target_modules") { translation, value in
        translation.root["lora_target_linear"]?.flag == true
          ? .defaulted("lora_target_linear takes all linear layers")
          : PEFTFormat.targets(value, "adapter.target_modules", &translation)
      },
      ImportRule("lora_target_linear") { translation, value in
        guard value.flag == true else { return .defaulted("off") }
        translation.set("adapter.target_modules", ["all-linear"])
        return .mapped("the head is not among them: it is trained in full")
      },
      ImportRule("lora_modules_to_save", PEFTFormat.savedModules),
      ImportRule("peft_use_dora") { PEFTFormat.flag("use_dora", $1, &$0) },
      ImportRule("peft_use_rslora") { PEFTFormat.flag("use_rslora", $1, &$0) },
      ImportRule("peft_init_lora_weights", PEFTFormat.initialization),
      .to("peft_layers_to_transform", "adapter.layers_to_transform"),
      .number("loraplus_lr_ratio", "adapter.loraplus_lr_ratio"),
      ImportRule("lora_model_dir") { _, _ in
        .unmappable("training on from an adapter: merge it into the weights first")
      },
    ],
    ["load_in_8bit", "load_in_4bit", "gptq", "lora_fan_in_fan_out", "relora"].map {
      .only(
        $0, [false], "off, as here", otherwise: "quantized or transposed weights are not offered")
    },
    ImportRule.foreign(
      [
        "loftq_config", "peft", "peft_layer_replication", "lora_target_parameters",
        "peft_trainable_token_indices", "relora_steps", "relora_warmup_steps", "bnb_config_kwargs",
        "loraplus_lr_embedding",
      ], "not offered"),
    ImportRule.ignored(
      [
        "lora_on_cpu", "peft_layers_pattern", "peft_autocast_adapter_dtype",
        "qlora_sharded_model_loading", "lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel",
      ],
      "how weights are loaded and computed"))

  // MARK: Training

  private static let training: [ImportRule] = ImportRule.table(
    [
      .integer("micro_batch_size", "data.batch_size"),
      .integer("gradient_accumulation_steps", "train.gradient_accumulation_steps"),
      ImportRule("batch_size") { translation, value in
        guard let total = value.number, let micro = translation.root["micro_batch_size"]?.number,
          total.truncatingRemainder(dividingBy: micro) == 0
        else { return .unmappable("no multiple of micro_batch_size") }
        translation.set("train.gradient_accumulation_steps", .integer(Int(total / micro)))
        return .mapped("over micro_batch_size")
      },
      ImportRule("num_epochs") { translation, value in
        guard let epochs = value.number, let whole = Int(exactly: epochs) else {
          return .unmappable("a part of an epoch; give train.max_steps")
        }
        translation.set("train.epochs", .integer(whole))
        return .mapped()
      },
      .integer("max_steps", "train.max_steps"),
      .number("learning_rate", "train.optimizer.lr"),
      ImportRule("optimizer") { translation, value in
        PeerTraining.optimizer(value.scalarText ?? "", &translation)
      },
      .number("weight_decay", "train.optimizer.weight_decay"),
      .number("adam_epsilon", "train.optimizer.eps"),
      ImportRule("adam_beta1") { _, _ in .mapped() },
      ImportRule("adam_beta2") { _, _ in .mapped() },
      .number("max_grad_norm", "train.clip_grad_norm"),
      ImportRule("lr_groups") { translation, value in
        let groups = value.elements.map { group -> PlainValue in
          .map([
            .init(
              "match",
              .list(
                (group["modules"]?.texts ?? []).flatMap {
                  PeerModules.translated([$0]).patterns
                }.uniqued().map(PlainValue.text))),
            .init("lr", .number(group["lr"]?.number ?? 0)),
          ])
        }
        translation.set("train.lr_groups", .list(groups))
        return .mapped("axolotl looks for the names anywhere in a path, a recipe at its end")
      },
      ImportRule("bf16") { translation, value in
        guard value.flag == true || value.scalarText == "auto" || value.scalarText == "full" else {
          return .defaulted("fp32 unless asked")
        }
        translation.set("train.precision", "bf16")
        return .mapped("trained values stay in fp32 here")
      },
      .only(
        "fp16", [false], "off", otherwise: "fp16 is not offered; fp32 is used",
        changesResult: false),
      ImportRule("gradient_checkpointing") { translation, value in
        translation.set("train.activation_checkpointing", .boolean(value.flag != false))
        return .mapped()
      },
      .integer("seed", "seed"),
      ImportRule("val_set_size") { translation, value in
        guard let share = value.number, share < 1 else {
          return .unmappable("a number of samples; give data.split")
        }
        translation.set(
          "data.split",
          ["method": "random", "fractions": [.number(1 - share), .number(share), 0]])
        return .mapped("there is no test part: name one to get a final evaluation")
      },
    ],
    ImportRule.foreign(
      [
        "optim_args", "optim_target_modules", "embedding_lr", "embedding_lr_scale", "adam_beta3",
        "adam_epsilon2", "neftune_noise_alpha", "noisy_embedding_alpha", "auto_find_batch_size",
        "unfrozen_parameters",
      ], "not offered"),
    ImportRule.ignored(
      [
        "tf32", "bfloat16", "float16", "gradient_checkpointing_kwargs", "activation_offloading",
        "eval_batch_size", "dataloader_num_workers", "dataloader_pin_memory",
        "dataloader_prefetch_factor", "local_rank", "device_map", "deepspeed", "fsdp",
        "fsdp_config",
        "ddp_timeout", "torch_compile", "flash_attention", "sdp_attention", "xformers_attention",
        "s2_attention", "eager_attention", "flex_attention", "flash_optimum", "low_cpu_mem_usage",
        "gpu_memory_limit", "torchdistx_path", "attn_implementation",
      ],
      "a matter of memory and speed"))

  private static let schedule: [ImportRule] = ImportRule.table(
    [
      ImportRule("lr_scheduler") { translation, value in
        let names = [
          "cosine": "cosine", "linear": "linear", "constant": "constant",
          "constant_with_warmup": "constant", "one_cycle": "onecycle",
        ]
        guard let name = names[value.scalarText ?? ""],
          Registries.standard.schedulers.names.contains(name)
        else {
          return .unmappable(
            "schedule \(value.shortText) is not offered; choose one of "
              + Registries.standard.schedulers.names.joined(separator: ", "))
        }
        translation.set("train.lr_scheduler.name", .text(name))
        return .mapped()
      },
      .integer("warmup_steps", "train.lr_scheduler.warmup_steps"),
      ImportRule("warmup_ratio") { translation, value in
        if let steps = translation.root["warmup_steps"]?.number, steps > 0 {
          return .defaulted("warmup_steps wins")
        }
        translation.set("train.lr_scheduler.warmup_ratio", value.plain)
        return .mapped()
      },
      ImportRule("cosine_min_lr_ratio") { _, _ in .mapped() },
    ],
    ImportRule.foreign(
      ["lr_scheduler_kwargs", "cosine_constant_lr_ratio", "lr_quadratic_warmup", "lr_div_factor"],
      "not offered"))
}
