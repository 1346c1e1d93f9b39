import Backbones
import Recipes
import Training

/// Optimizers, schedules and metrics by the names that PyTorch's programs give them.
enum PeerTraining {
  /// What a class name means: its last part, as `torch.optim.AdamW` is `AdamW`.
  static func className(_ value: Located) -> String {
    let text = value.scalarText ?? ""
    return text.split(separator: ".").last.map(String.init) ?? text
  }

  // MARK: Optimizers

  /// Sets the optimizer of that name.
  ///
  /// Adam is AdamW without decay; its own decay enters the moments and is another rule, which the key
  /// of the decay says.
  static func optimizer(_ name: String, _ translation: inout Translation) -> ImportOutcome {
    switch name.lowercased() {
    case "adamw", "adamw_torch", "adamw_torch_fused", "adamw_hf", "adamw_apex_fused":
      translation.set("train.optimizer.name", "adamw")
      return .mapped()
    case "adam":
      translation.set("train.optimizer.name", "adamw")
      return .mapped("Adam without weight decay is adamw with weight_decay 0")
    case "sgd" where optimizers.names.contains("sgd"):
      translation.set("train.optimizer.name", "sgd")
      return .mapped()
    default:
      return .unmappable(
        "optimizer \(name) is not offered; choose one of \(optimizers.names.joined(separator: ", "))"
      )
    }
  }

  /// Rows for options of an optimizer under a path; `name` is the path of its class.
  static func optimizerOptions(_ path: String, name: String) -> [ImportRule] {
    [
      .number("\(path).lr", "train.optimizer.lr"),
      decay("\(path).weight_decay", name: name),
      .to("\(path).betas", "train.optimizer.betas"),
      .number("\(path).eps", "train.optimizer.eps"),
      ImportRule("\(path).momentum") { translation, value in
        guard value.number != 0, optimizers["sgd"].map({ $0.options["momentum"] != nil }) ?? false
        else {
          return value.number == 0
            ? .defaulted("no momentum") : .unmappable("momentum is not offered")
        }
        translation.set("train.optimizer.momentum", value.plain)
        return .mapped()
      },
      .only(
        "\(path).amsgrad", [false], "the plain rule", otherwise: "the AMSGrad rule is not offered"),
      .only(
        "\(path).maximize", [false], "losses are minimized", otherwise: "losses are minimized here"),
    ]
      + ImportRule.ignored(
        ["fused", "foreach", "capturable", "differentiable"].map { "\(path).\($0)" },
        "changes speed only")
  }

  /// Weight decay, which Adam applies otherwise than AdamW.
  static func decay(_ path: String, name: String) -> ImportRule {
    ImportRule(path) { translation, value in
      guard let decay = value.number else { return .unmappable("\(value.shortText) is no number") }
      let optimizer = translation.root.at(name).map(className)?.lowercased() ?? "adam"
      if optimizer == "adam", decay != 0 {
        translation.set("train.optimizer.weight_decay", .number(0))
        return .unmappable(
          "Adam adds the decay to the gradient, adamw takes it off the value: not the same rule")
      }
      translation.set("train.optimizer.weight_decay", .number(decay))
      return .mapped()
    }
  }

  // MARK: Metrics and backbones

  /// Our name of a metric as terratorch and torchmetrics call it; nil where there is none.
  ///
  /// terratorch's `Accuracy` and `F1_Score` are means over classes.
  static func metric(_ name: String) -> String? {
    let known = [
      "loss": "loss", "Accuracy": "Accuracy_Macro", "Accuracy_Micro": "Accuracy_Micro",
      "Overall_Accuracy": "Accuracy_Micro", "Average_Accuracy": "Accuracy_Macro",
      "Multiclass_Accuracy": "Accuracy_Micro", "Pixel_Accuracy": "Accuracy_Micro",
      "F1_Score": "F1_Macro", "F1_Score_Micro": "F1_Micro", "Multiclass_F1_Score": "F1_Micro",
      "mIoU": "mIoU", "Jaccard_Index": "mIoU", "Multiclass_Jaccard_Index": "mIoU",
      "mDice": "mDice", "mAcc": "Accuracy_Macro", "aAcc": "Accuracy_Micro", "RMSE": "RMSE",
      "MSE": "MSE", "MAE": "MAE", "R2": "R2", "R2_Score": "R2",
    ]
    return known[name]
  }

  /// timm's name of a plain vision transformer within another program's name of it; nil for others.
  static func visionTransformer(_ name: String) -> String? {
    var text = name
    for prefix in ["timm_", "timm/", "hf-hub:timm/", "terratorch_"] where text.hasPrefix(prefix) {
      text = String(text.dropFirst(prefix.count))
    }
    let bare = text.split(separator: ".").first.map(String.init) ?? text
    let names = ViT.modelNames
    if names.contains(bare) { return bare }
    // google/vit-base-patch16-224-in21k, facebook/deit-small-patch16-224, facebook/dinov2-base
    let parts = (text.split(separator: "/").last.map(String.init) ?? text).split(separator: "-")
    let candidates = [
      parts.prefix(4).joined(separator: "_"),
      parts.count == 2 && parts[0] == "dinov2" ? "vit_\(parts[1])_patch14_dinov2" : "",
    ]
    return candidates.first { names.contains($0) }
  }
}
