import Recipes

/// mmsegmentation's encoder-decoders: a plain ViT and UPerNet have counterparts.
extension MMSegFormat {
  static let modelRules: [ImportRule] = ImportRule.table(
    preprocessing, backbone, head,
    [
      .only(
        "model.type", ["EncoderDecoder"], "backbone and decoder, as here",
        otherwise: "only EncoderDecoder has a counterpart"),
      ImportRule("model.pretrained") { weights($1, &$0) },
      ImportRule("model.neck", neck),
      ImportRule("model.test_cfg", tiles),
    ],
    ImportRule.foreign(["model.auxiliary_head"], "auxiliary heads are not offered"),
    ImportRule.ignored(["model.train_cfg", "model.init_cfg"], "how OpenMMLab builds a model"))

  // MARK: Values

  private static let preprocessing: [ImportRule] = ImportRule.table(
    [
      ImportRule("model.data_preprocessor.mean") { statistics("mean", $1, &$0) },
      ImportRule("model.data_preprocessor.std") { statistics("std", $1, &$0) },
      .only(
        "model.data_preprocessor.bgr_to_rgb", [true], "pictures are read as red, green, blue",
        otherwise: "pictures are read as red, green, blue here: turn means and weights round"),
      ImportRule("model.data_preprocessor.seg_pad_val") { translation, value in
        translation.set("data.target.ignore_index", value.plain)
        return .mapped()
      },
    ],
    ImportRule.ignored(
      ["type", "pad_val", "size", "size_divisor", "test_cfg", "rgb_to_bgr"].map {
        "model.data_preprocessor.\($0)"
      }, "samples of a batch have one size here"))

  /// Means and deviations together make the statistics.
  private static func statistics(
    _ name: String, _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    let section = translation.root.at("model.data_preprocessor")
    guard let means = section?["mean"]?.plain, let deviations = section?["std"]?.plain else {
      return .unmappable("mean and std belong together")
    }
    translation.set("data.inputs.image.normalize", "zscore")
    translation.set("data.inputs.image.stats", ["means": means, "stds": deviations])
    return .mapped("of the values as stored, 0 to 255")
  }

  // MARK: Backbone

  private static let backbone: [ImportRule] = ImportRule.table(
    [
      ImportRule("model.backbone") { _, value in
        value["type"]?.scalarText == "VisionTransformer"
          ? .open
          : .unmappable(
            "backbone \(value["type"]?.shortText ?? "") is none of the backbones that Attune has")
      },
      ImportRule("model.backbone.type") { translation, _ in
        translation.set("model.backbone.name", "vit")
        return .mapped()
      },
      ImportRule("model.backbone.img_size") { translation, value in
        translation.set("model.img_size", value.plain)
        return .mapped()
      },
      .to("model.backbone.patch_size", "model.backbone.patch_size"),
      .integer("model.backbone.in_channels", "model.in_chans"),
      .integer("model.backbone.embed_dims", "model.backbone.embed_dim"),
      .integer("model.backbone.num_layers", "model.backbone.depth"),
      .integer("model.backbone.num_heads", "model.backbone.num_heads"),
      .number("model.backbone.mlp_ratio", "model.backbone.mlp_ratio"),
      .to("model.backbone.qkv_bias", "model.backbone.qkv_bias"),
      ImportRule("model.backbone.with_cls_token") { translation, value in
        translation.set("model.backbone.class_token", value.plain)
        if value.flag == false { translation.set("model.backbone.global_pool", "avg") }
        return .mapped()
      },
      .to("model.backbone.final_norm", "model.backbone.final_norm"),
      .to("model.backbone.pre_norm", "model.backbone.pre_norm"),
      .number("model.backbone.attn_drop_rate", "model.backbone.attn_drop_rate"),
      .number("model.backbone.drop_path_rate", "model.backbone.drop_path_rate"),
      ImportRule("model.backbone.drop_rate") { translation, value in
        for field in ["pos_drop_rate", "proj_drop_rate"] {
          translation.set("model.backbone.\(field)", value.plain)
        }
        return .mapped("after the positions and in the MLP")
      },
      ImportRule("model.backbone.norm_cfg") { translation, value in
        guard value["type"]?.scalarText == "LN" else { return .unmappable("only layer norms") }
        if let epsilon = value["eps"]?.number {
          translation.set("model.backbone.norm_eps", .number(epsilon))
        }
        return .mapped()
      },
      .only(
        "model.backbone.act_cfg.type", ["GELU"], "as here", otherwise: "the activation is GELU here"
      ),
      ImportRule("model.backbone.out_indices") { translation, value in
        let blocks =
          value.number.map { [PlainValue.integer(Int($0))] } ?? value.elements.map(\.plain)
        guard blocks.count == 4 else { return .defaulted("the last block's map") }
        translation.set("model.neck.blocks", .list(blocks))
        return .mapped()
      },
      ImportRule("model.backbone.init_cfg") { weights($1["checkpoint"] ?? $1, &$0) },
      .to("model.backbone.with_cp", "train.activation_checkpointing"),
    ],
    ImportRule.ignored(
      [
        "norm_eval", "interpolate_mode", "output_cls_token", "out_origin", "patch_norm",
        "patch_bias",
        "num_fcs", "frozen_exclude", "act_cfg",
      ].map { "model.backbone.\($0)" },
      "as in the plain ViT"))

  private static func weights(
    _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    guard let text = value.scalarText else { return .defaulted("random values at first") }
    guard !text.contains("://") else {
      translation.draft.placeholder(
        "model.weights", .text(RecipeDraft.mark + "/weights.pth"), "the file of \(text)")
      return .mapped("weights are a file here; nothing is downloaded")
    }
    translation.set("model.weights", .text(text))
    return .mapped()
  }

  /// The pyramid between backbone and decoder.
  private static func neck(_ translation: inout Translation, _ value: Located) -> ImportOutcome {
    guard value["type"]?.scalarText == "Feature2Pyramid" else {
      return .unmappable("neck \(value["type"]?.shortText ?? "") is not offered")
    }
    translation.set("model.neck.name", "feature2pyramid")
    return .mapped()
  }

  // MARK: Decoder

  private static let head: [ImportRule] = ImportRule.table(
    [
      ImportRule("model.decode_head") { _, value in
        value["type"]?.scalarText == "UPerHead"
          ? .open
          : .unmappable("decoder \(value["type"]?.shortText ?? "") is not offered")
      },
      ImportRule("model.decode_head.type") { translation, _ in
        translation.set("model.decoder.name", "upernet")
        translation.set("model.decoder.variant", "mmsegmentation")
        return .mapped("with that program's defaults")
      },
      .integer("model.decode_head.channels", "model.decoder.channels"),
      .to("model.decode_head.pool_scales", "model.decoder.pool_scales"),
      .to("model.decode_head.align_corners", "model.decoder.align_corners"),
      .number("model.decode_head.dropout_ratio", "model.decoder.dropout"),
      .integer("model.decode_head.num_classes", "model.num_classes"),
      .integer("model.decode_head.ignore_index", "data.target.ignore_index"),
      ImportRule("model.decode_head.loss_decode", loss),
    ],
    ImportRule.foreign(["model.decode_head.sampler"], "mining of hard pixels is not offered"),
    ImportRule.ignored(
      [
        "in_channels", "in_index", "norm_cfg", "act_cfg", "input_transform", "out_channels",
        "init_cfg",
      ].map { "model.decode_head.\($0)" }, "follows from backbone and decoder"))

  /// UPerNet takes the pyramid of four blocks; without a neck in the file ours is the plain one.
  static func settleHead(_ translation: inout Translation) {
    guard translation.draft["model.neck.blocks"] != nil else { return }
    if translation.draft["model.neck.name"] == nil {
      translation.draft.set("model.neck.name", "interpolate")
      translation.record(
        "model.neck", translation.root.at("model.neck"),
        .unmappable("all levels have one size there; here a neck makes a pyramid of them"))
    }
    if translation.draft["model.decoder.name"] == nil { translation.draft.remove("model.neck") }
  }

  /// One loss, or several with weights.
  private static func loss(_ translation: inout Translation, _ value: Located) -> ImportOutcome {
    let given = value.elements.isEmpty ? [value] : value.elements
    var terms: [PlainValue] = []
    for term in given {
      let names = ["CrossEntropyLoss": "cross-entropy", "DiceLoss": "dice", "FocalLoss": "focal"]
      guard let name = names[term["type"]?.scalarText ?? ""], term["use_sigmoid"]?.flag != true
      else { return .unmappable("loss \(term["type"]?.shortText ?? "") is not offered so") }
      var fields: [PlainValue.Field] = [.init("name", .text(name))]
      if let weights = term["class_weight"]?.plain, case .list = weights {
        fields.append(.init("class_weights", weights))
      }
      if let gamma = term["gamma"]?.plain { fields.append(.init("gamma", gamma)) }
      if given.count > 1 || term["loss_weight"]?.number ?? 1 != 1 {
        fields.append(.init("weight", term["loss_weight"]?.plain ?? 1))
      }
      terms.append(.map(fields))
    }
    translation.set("train.loss", terms.count == 1 ? terms[0] : .list(terms))
    return .mapped("a mean over pixels with a label")
  }

  private static func tiles(_ translation: inout Translation, _ value: Located) -> ImportOutcome {
    guard value["mode"]?.scalarText == "slide" else { return .defaulted("whole images, as here") }
    let (crop, stride) = (value["crop_size"], value["stride"])
    let sides = [crop, stride].map { $0?.elements.compactMap(\.number) ?? [] }
    guard sides.allSatisfy({ $0.count == 2 && $0[0] == $0[1] }) else {
      return .unmappable("tiles are squares here", changesResult: false)
    }
    translation.set(
      "eval.tiled_inference",
      ["crop": .integer(Int(sides[0][0])), "stride": .integer(Int(sides[1][0]))])
    return .mapped("tiles are blended smoothly, there evenly")
  }
}
