import Recipes

/// Evaluation, logs, and everything that axolotl says of text.
extension AxolotlFormat {
  /// How often is evaluated, saved and logged, and where that goes.
  static let rhythm: [ImportRule] = ImportRule.table(
    [
      ImportRule("early_stopping_patience") { translation, value in
        translation.set("train.early_stopping", ["patience": value.plain])
        return .mapped()
      },
      .integer("eval_steps", "train.eval_every"),
      .integer("save_steps", "train.save_every"),
      .integer("logging_steps", "train.log_every"),
      .integer("save_total_limit", "train.save_total_limit"),
      ImportRule("evals_per_epoch") { perEpoch("train.eval_every", $1, &$0) },
      ImportRule("saves_per_epoch") { perEpoch("train.save_every", $1, &$0) },
      ImportRule("metric_for_best_model") { translation, value in
        let name = (value.scalarText ?? "").replacing("eval_", with: "")
        guard let metric = PeerTraining.metric(name) else {
          return .unmappable("metric \(name) is not offered")
        }
        translation.set("train.monitor", .text("val/" + metric))
        return .mapped()
      },
      .to("output_dir", "output.dir"),
      ImportRule("resume_from_checkpoint") { translation, value in
        translation.set("train.resume", value.plain)
        return .mapped()
      },
      ImportRule("auto_resume_from_checkpoints") { translation, value in
        translation.set("train.resume", value.flag == true ? "auto" : "never")
        return .mapped()
      },
      ImportRule("use_tensorboard") { translation, value in
        translation.set("tracking.tensorboard", .boolean(value.flag == true))
        return .mapped()
      },
      ImportRule("loss_watchdog_threshold") { _, _ in
        .unmappable("a run stops at a loss that is not finite", changesResult: false)
      },
    ],
    ImportRule.ignored(
      [
        "greater_is_better", "load_best_model_at_end", "do_eval", "eval_strategy", "save_strategy",
        "save_safetensors", "save_only_model", "loss_watchdog_patience",
        "include_tokens_per_second",
      ],
      "the best checkpoint is kept and measured in any case, by the metric's own direction"),
    ImportRule.ignored(
      [
        "wandb_project", "wandb_entity", "wandb_watch", "wandb_name", "wandb_log_model",
        "wandb_mode",
        "wandb_run", "wandb_runid", "wandb_run_id", "mlflow_experiment_name", "mlflow_tracking_uri",
        "mlflow_run_name", "hf_mlflow_log_artifacts", "comet_project_name", "use_wandb",
        "use_mlflow",
        "use_comet", "hub_model_id", "hub_strategy", "hub_repo", "hub_token", "push_to_hub",
        "push_dataset_to_hub", "hf_use_auth_token", "debug", "profiler_steps", "logging_first_step",
      ],
      "runs are logged to local files only"))

  /// Once per epoch has a counterpart, more often has none.
  private static func perEpoch(
    _ field: String, _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    guard value.number == 1 else {
      let stops = translation.root["early_stopping_patience"].map { !$0.isNull } ?? false
      return .unmappable(
        "a number per epoch has no counterpart: give \(field) in steps or as \"1 epochs\"",
        changesResult: stops && field == "train.eval_every")
    }
    translation.set(field, "1 epochs")
    return .mapped()
  }

  /// Models of language, their words and their data.
  static let text: [ImportRule] = ImportRule.table(
    ImportRule.foreign(
      [
        "datasets", "test_datasets", "pretraining_dataset", "rl", "trl", "vllm", "reward_model",
        "chat_template", "chat_template_jinja", "default_system_message", "sequence_len",
        "eval_sequence_len", "sample_packing", "eval_sample_packing", "pad_to_sequence_len",
        "train_on_inputs", "group_by_length", "special_tokens", "tokens", "added_tokens_overrides",
        "excess_length_strategy", "curriculum_sampling", "shuffle_merged_datasets",
        "roles_to_train", "train_on_eos",
      ],
      "text data; a recipe names images or fields under data"),
    ImportRule.ignored(
      [
        "model_type", "tokenizer_type", "tokenizer_config", "tokenizer_use_fast", "processor_type",
        "base_model_config", "base_model_ignore_patterns", "trust_remote_code",
        "is_llama_derived_model",
        "is_falcon_derived_model", "is_mistral_derived_model", "is_qwen_derived_model",
        "revision_of_model", "resize_token_embeddings_to_32x", "dataset_prepared_path",
        "dataset_processes", "dataset_num_proc", "dataset_keep_in_memory", "eval_table_size",
        "eval_max_new_tokens", "eval_causal_lm_metrics", "plugins", "cut_cross_entropy",
        "liger_rope", "liger_rms_norm", "liger_glu_activation", "liger_layer_norm",
        "liger_fused_linear_cross_entropy", "unsloth_cross_entropy_loss", "strict",
      ],
      "how axolotl loads the language model and its text, which base_model and datasets stand for"))
}
