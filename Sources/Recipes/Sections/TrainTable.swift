extension TrainSection {
  static let table: OptionTable = [
    Option(
      "epochs", .integer, default: .absent, range: .atLeast(1),
      aliases: ["max_epochs", "num_epochs"], "either this or max_steps"),
    Option("max_steps", .integer, default: .absent, range: .atLeast(1), "optimizer steps"),
    Option(
      "gradient_accumulation_steps", .integer, default: 1, range: .atLeast(1),
      "micro batches per step"),
    Option("optimizer", .component(of: "optimizer"), default: .required, "the update rule"),
    Option(
      "lr_groups",
      .list(
        .table([
          Option(
            "match", .either([.pattern, .list(.pattern)]), default: .required, "module patterns"),
          Option("lr", .number, default: .described("the optimizer's"), range: .atLeast(0), "rate"),
          Option(
            "weight_decay", .number, default: .described("the optimizer's"), range: .atLeast(0),
            "decay"),
        ])), default: [], "own rates; the first match wins"),
    Option(
      "lr_scheduler", .component(of: "learning rate schedule"), default: "constant",
      "how the rate changes"),
    Option(
      "loss", .either([lossTerm, .list(lossTerm)]), default: .described("by task"),
      "one loss, or a sum of them"),
    Option(
      "clip_grad_norm", .number, default: .absent, range: .above(0), aliases: ["max_grad_norm"],
      "largest norm of the gradient"),
    Option(
      "ema", .number, default: .absent, range: .between(0, 1), aliases: ["model_ema_decay"],
      "decay of a moving average of the weights"),
    Option(
      "early_stopping",
      .table([
        Option(
          "patience", .integer, default: .required, range: .atLeast(1),
          "evaluations without improvement"),
        Option("min_delta", .number, default: 0, range: .atLeast(0), "least improvement"),
      ]), default: .absent, "stops when monitor no longer improves"),
    Option(
      "monitor", .text, default: .described("the task's headline"),
      aliases: ["metric_for_best_model"], "metric that picks the best checkpoint"),
    Option(
      "mode", .choice(Mode.self), default: .described("the metric's own direction"),
      "whether monitor is to fall or rise"),
    Option(
      "precision", .choice(Precision.self), default: "fp32",
      "bf16: products in bf16, trainable values in fp32"),
    Option(
      "activation_checkpointing", .boolean, default: false, aliases: ["gradient_checkpointing"],
      "less memory, more time"),
    Option(
      "cache_frozen_features", .boolean, default: false,
      "computes once what lies below the first trainable value"),
    Option(
      "deterministic", .boolean, default: true, "false allows sums in the order of arrival"),
    Option("log_every", .interval, default: 50, "a line of the log"),
    Option("eval_every", .interval, default: "1 epochs", aliases: ["eval_steps"], "an evaluation"),
    Option("save_every", .interval, default: "1 epochs", aliases: ["save_steps"], "a checkpoint"),
    Option(
      "save_total_limit", .integer, default: 2, range: .atLeast(1), "newest, plus best, plus last"),
    Option(
      "resume", .either([.oneOf(["auto", "never"]), .path]), default: "auto",
      "goes on from this run's newest checkpoint, or from a given one"),
    Option(
      "nonfinite",
      .either([
        .oneOf(["stop"]),
        .table([
          Option("skip", .integer, default: .required, range: .atLeast(1), "steps at most")
        ]),
      ]), default: "stop", "what a loss that is not finite does"),
  ]

  private static let lossTerm = OptionType.component(
    of: "loss",
    beside: [Option("weight", .number, default: 1, range: .atLeast(0), "weight in the sum")])
}
