import Foundation
import Recipes

/// terratorch's configurations (1.0 and later) for Lightning's command line: `class_path` names a class,
/// `init_args` its arguments, in the sections `trainer`, `data`, `model`, `optimizer`, `lr_scheduler`.
enum TerratorchFormat: PeerFormat {
  static let name = "terratorch"
  static let summary = "configurations of terratorch (Lightning's YAML with class_path)"
  static let syntax = PeerSyntax.yaml

  static func recognizes(_ root: Located) -> Bool {
    root["model"]?["class_path"] != nil || root["data"]?["class_path"] != nil
      || root["trainer"] != nil
  }

  static let rules: [ImportRule] = ImportRule.table(
    trainer, dataRules, modelRules, optimizer,
    [
      ImportRule("seed_everything") { translation, value in
        guard let seed = value.number else { return .defaulted("a seed is always set here") }
        translation.set("seed", .integer(Int(seed)))
        return .mapped()
      },
      ImportRule("ckpt_path") { translation, value in
        translation.set("train.resume", value.plain)
        return .mapped()
      },
    ],
    ImportRule.foreign(["custom_modules_path"], "code of the user's own"),
    ImportRule.ignored(
      ["out_dtype", "verbose", "predict_output_dir", "deploy_config_file"],
      "belongs to Lightning's command line"))

  static func settle(_ translation: inout Translation) {
    let root = translation.root
    if translation.draft["train.max_steps"] != nil, translation.draft["train.epochs"] != nil {
      translation.draft.remove("train.epochs")
      translation.settle("trainer.max_epochs", .defaulted("max_steps ends the run"))
    }
    if root["optimizer"] == nil, root.at("model.init_args.optimizer") == nil {
      translation.assume("model.init_args.optimizer", "train.optimizer.name", "adamw")
    }
    if translation.draft["train.optimizer.weight_decay"] == nil,
      optimizerName(root).lowercased() == "adam"
    {
      translation.assume("optimizer.init_args.weight_decay", "train.optimizer.weight_decay", 0)
    }
    translation.assume("model.init_args.lr", "train.optimizer.lr", 0.001)
    settleSchedule(&translation)
    settleData(&translation)
    settleModel(&translation)
  }

  /// The optimizer's class, in the section or among the task's arguments; terratorch's own is Adam.
  private static func optimizerName(_ root: Located) -> String {
    let place = root.at("optimizer.class_path") ?? root.at("model.init_args.optimizer")
    return place.map(PeerTraining.className) ?? "Adam"
  }

  // MARK: Optimizer and schedule

  private static let optimizer: [ImportRule] = ImportRule.table(
    [
      ImportRule("optimizer.class_path") { translation, value in
        PeerTraining.optimizer(PeerTraining.className(value), &translation)
      },
      ImportRule("lr_scheduler") { translation, value in
        guard let name = value["class_path"].map(PeerTraining.className) else {
          return .unmappable("no class_path")
        }
        return PeerSchedule.translate(
          name, options: value["init_args"], at: "lr_scheduler.init_args", unit: .epochs,
          &translation)
      },
      ImportRule("model.init_args.optimizer") { translation, value in
        guard translation.root["optimizer"] == nil else {
          return .defaulted("the section optimizer wins")
        }
        return PeerTraining.optimizer(PeerTraining.className(value), &translation)
      },
      ImportRule("model.init_args.lr") { translation, value in
        guard translation.root.at("optimizer.init_args.lr") == nil else {
          return .defaulted("the section optimizer wins")
        }
        guard let rate = value.number else { return .unmappable("no number") }
        translation.set("train.optimizer.lr", .number(rate))
        return .mapped()
      },
      ImportRule("model.init_args.scheduler") { translation, value in
        guard translation.root["lr_scheduler"] == nil else {
          return .defaulted("the section lr_scheduler wins")
        }
        return PeerSchedule.translate(
          PeerTraining.className(value),
          options: translation.root.at("model.init_args.scheduler_hparams"),
          at: "model.init_args.scheduler_hparams", unit: .epochs, &translation)
      },
      ImportRule("model.init_args.scheduler_hparams") { translation, value in
        translation.root.at("model.init_args.scheduler") == nil
          ? .defaulted("no scheduler is named") : .mapped("with the scheduler")
      },
      ImportRule("model.init_args.lr_overrides") { translation, value in
        let groups = value.entries.map { entry -> PlainValue in
          .map([
            .init("match", .text("re:.*\(entry.key).*")), .init("lr", entry.value.plain),
          ])
        }
        translation.set("train.lr_groups", .list(groups))
        return .mapped("a part of a parameter's path, as there")
      },
    ],
    PeerTraining.optimizerOptions("optimizer.init_args", name: "optimizer.class_path"),
    PeerTraining.optimizerOptions(
      "model.init_args.optimizer_hparams", name: "model.init_args.optimizer"))

  /// `T_max` must be the length of the run, and the metric that a plateau watches is the run's.
  private static func settleSchedule(_ translation: inout Translation) {
    let options =
      translation.root.at("lr_scheduler.init_args")
      ?? translation.root.at("model.init_args.scheduler_hparams")
    let key = translation.root["lr_scheduler"] == nil ? "model.init_args.scheduler" : "lr_scheduler"
    if let length = options?["T_max"]?.number,
      let epochs = translation.root.at("trainer.max_epochs")?.number, length != epochs
    {
      translation.refuse(
        key,
        "T_max \(length.formatted()) is not max_epochs \(epochs.formatted()): a cosine here ends "
          + "with the run")
    }
    if let metric = options?["monitor"]?.scalarText { monitor(metric, of: key, &translation) }
  }

  /// Sets the metric that the best checkpoint, early stopping and plateaus follow; one for all.
  static func monitor(_ text: String, of key: String, _ translation: inout Translation) {
    let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
    let split = parts.count == 2 ? parts[0] : "val"
    guard let metric = PeerTraining.metric(parts.last ?? text) else {
      return translation.refuse("\(key)", "metric \(text) is not offered")
    }
    let name = PlainValue.text("\(split)/\(metric)")
    if let other = translation.draft["train.monitor"], other != name {
      return translation.refuse(
        key, "it watches \(text), others \(other.scalarText): a run here watches one metric")
    }
    translation.set("train.monitor", name, for: key)
  }
}
