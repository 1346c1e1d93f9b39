import Recipes
import Tasks

/// terratorch's tasks and the models that its factories build.
extension TerratorchFormat {
  static let modelRules: [ImportRule] = ImportRule.table(
    taskRules, backboneRules, decoderRules, adapterRules,
    ImportRule.foreign(
      [
        "model.init_args.aux_heads", "model.init_args.aux_loss",
        "model.init_args.test_dataloaders_names",
        "model.init_args.model_args.rescale", "model.init_args.model_args.num_frames",
        "model.init_args.model",
      ],
      "not offered"))

  // MARK: Task

  private static let taskRules: [ImportRule] = ImportRule.table(
    [
      ImportRule("model.class_path") { translation, value in
        let tasks = [
          "SemanticSegmentationTask": "segmentation", "ClassificationTask": "classification",
          "PixelwiseRegressionTask": "pixel-regression", "ScalarRegressionTask": "regression",
          "MultiLabelClassificationTask": "multilabel", "ReconstructionTask": "pretrain-mae",
        ]
        let name = PeerTraining.className(value)
        guard let task = tasks[name] else { return .unmappable("task \(name) is not offered") }
        translation.set("task", .text(task))
        return .mapped()
      },
      ImportRule("model.init_args.loss", loss),
      ImportRule("model.init_args.class_weights") { _, value in
        value.texts.isEmpty ? .defaulted("none") : .mapped("with the loss")
      },
      ImportRule("model.init_args.ignore_index") { translation, value in
        translation.set("data.target.ignore_index", value.plain)
        return .mapped()
      },
      .to("model.init_args.class_names", "data.target.class_names"),
      ImportRule("model.init_args.freeze_backbone") { translation, value in
        translation.set("model.freeze_backbone", .boolean(value.flag == true))
        return .mapped()
      },
      ImportRule("model.init_args.freeze_decoder") { translation, value in
        translation.set("model.freeze_decoder", .boolean(value.flag == true))
        return .mapped()
      },
      .only(
        "model.init_args.freeze_head", [false], "the head is trained",
        otherwise: "decoder and head are frozen together here (freeze_decoder)"),
      ImportRule("model.init_args.tiled_inference_parameters", tiles),
    ],
    ImportRule.ignored(
      [
        "model.init_args.plot_on_val", "model.init_args.path_to_record_metrics",
        "model.init_args.output_on_inference", "model.init_args.output_most_probable",
        "model.init_args.tiled_inference_on_testing",
        "model.init_args.tiled_inference_on_validation",
      ],
      "what is shown and written"))

  /// One loss by name, or several with weights.
  private static func loss(_ translation: inout Translation, _ value: Located) -> ImportOutcome {
    let names = [
      "ce": "cross-entropy", "dice": "dice", "focal": "focal", "mse": "mse", "mae": "l1",
      "l1": "l1", "bce": "bce", "balanced_bce": "bce",
    ]
    let given =
      value.entries.isEmpty
      ? value.texts.map { ($0, PlainValue.integer(1)) }
      : value.entries.map { ($0.key, $0.value.plain) }
    let weights = translation.root.at("model.init_args.class_weights").map(\.plain)
    var terms: [PlainValue] = []
    for (text, weight) in given {
      guard let name = names[text] else { return .unmappable("loss \(text) is not offered") }
      var fields: [PlainValue.Field] = [.init("name", .text(name))]
      if let weights, name == "cross-entropy", case .list = weights {
        fields.append(.init("class_weights", weights))
      }
      if given.count > 1 { fields.append(.init("weight", weight)) }
      terms.append(.map(fields))
    }
    translation.set("train.loss", terms.count == 1 ? terms[0] : .list(terms))
    return .mapped()
  }

  private static func tiles(_ translation: inout Translation, _ value: Located) -> ImportOutcome {
    let crop = value["h_crop"]?.number ?? value["crop"]?.number
    let stride = value["h_stride"]?.number ?? value["stride"]?.number
    guard let crop, let stride, value["w_crop"]?.number ?? crop == crop,
      value["w_stride"]?.number ?? stride == stride
    else { return .unmappable("tiles are squares here", changesResult: false) }
    var fields: [PlainValue.Field] = [
      .init("crop", .integer(Int(crop))), .init("stride", .integer(Int(stride))),
    ]
    if let batch = value["batch_size"]?.plain { fields.append(.init("batch", batch)) }
    translation.set("eval.tiled_inference", .map(fields))
    return .mapped("tiles are blended smoothly")
  }

  // MARK: Backbone and decoder

  private static let backboneRules: [ImportRule] = ImportRule.table(
    [
      ImportRule("model.init_args.model_args.backbone") { translation, value in
        let text = value.scalarText ?? ""
        guard let model = PeerTraining.visionTransformer(text) else {
          return .unmappable("backbone \(text) is none of the backbones that Attune has")
        }
        translation.set("model.backbone.name", "vit")
        translation.set("model.backbone.model", .text(model))
        return .mapped()
      },
      ImportRule("model.init_args.model_args.backbone_pretrained", pretrained),
      ImportRule("model.init_args.model_args.pretrained", pretrained),
      ImportRule("model.init_args.model_args.backbone_ckpt_path") { translation, value in
        translation.set("model.weights", .text(value.scalarText ?? ""))
        return .mapped()
      },
      .to("model.init_args.model_args.backbone_bands", "model.bands"),
      .to("model.init_args.model_args.bands", "model.bands"),
      ImportRule("model.init_args.model_args.backbone_img_size") { translation, value in
        translation.set("model.img_size", value.plain)
        return .mapped()
      },
      .integer("model.init_args.model_args.in_channels", "model.in_chans"),
      .integer("model.init_args.model_args.backbone_in_chans", "model.in_chans"),
      .integer("model.init_args.model_args.num_classes", "model.num_classes"),
      .number("model.init_args.model_args.backbone_drop_path", "model.backbone.drop_path_rate"),
      .number(
        "model.init_args.model_args.backbone_drop_path_rate", "model.backbone.drop_path_rate"),
      ImportRule("model.init_args.model_factory") { _, value in
        ["EncoderDecoderFactory", "TimmModelFactory", "PrithviModelFactory"]
          .contains(value.scalarText ?? "")
          ? .defaulted("a recipe names backbone and decoder")
          : .unmappable("models of \(value.shortText) are not offered")
      },
    ],
    ImportRule.ignored(
      [
        "model.init_args.model_args.backbone_num_frames",
        "model.init_args.model_args.backbone_coords_encoding",
      ],
      "belongs to backbones of several times"))

  private static func pretrained(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    let path = "model.init_args.model_args.backbone_ckpt_path"
    if let file = translation.root.at(path), !file.isNull {
      return .defaulted("backbone_ckpt_path names the file")
    }
    guard value.flag == true else {
      translation.set("model.weights", "none")
      return .mapped("random values at first")
    }
    translation.draft.placeholder(
      "model.weights", .text(RecipeDraft.mark + "/weights.safetensors"),
      "the file of the pretrained weights; nothing is downloaded")
    return .mapped("weights are a file here")
  }

  private static let decoderRules: [ImportRule] = [
    ImportRule("model.init_args.model_args.decoder") { translation, value in
      let decoders = [
        "UperNetDecoder": "upernet", "UPerNetDecoder": "upernet", "FPN": "fpn",
        "LinearDecoder": "linear-transpose", "IdentityDecoder": "linear",
      ]
      let text = value.scalarText ?? ""
      guard let name = decoders[text] else {
        return .unmappable("decoder \(text) is not offered: see `attune list fields`")
      }
      translation.set("model.decoder.name", .text(name))
      return .mapped()
    },
    ImportRule("model.init_args.model_args.decoder_channels") { translation, value in
      guard
        translation.root.at("model.init_args.model_args.decoder")?.scalarText?.lowercased()
          .contains("net") == true, let channels = value.number
      else { return .unmappable("this decoder has no channels here") }
      translation.set("model.decoder.channels", .integer(Int(channels)))
      return .mapped()
    },
    .to("model.init_args.model_args.decoder_pool_scales", "model.decoder.pool_scales"),
    .to("model.init_args.model_args.decoder_align_corners", "model.decoder.align_corners"),
    .integer("model.init_args.model_args.decoder_upsampling_size", "model.decoder.upsampling_size"),
    ImportRule("model.init_args.model_args.decoder_scale_modules") { translation, value in
      guard value.flag == true else { return .defaulted("no pyramid of its own") }
      translation.set("model.neck.name", "learned")
      return .mapped("the learned pyramid")
    },
    .number("model.init_args.model_args.head_dropout", "model.head_dropout"),
    ImportRule("model.init_args.model_args.head_channel_list") { _, value in
      value.texts.isEmpty
        ? .defaulted("no further layers")
        : .unmappable("further layers of the head are not offered")
    },
    ImportRule("model.init_args.model_args.necks") { _, _ in .open },
    ImportRule("model.init_args.model_args.necks.*", neck),
  ]

  /// One step between the blocks' outputs and the decoder.
  private static func neck(_ translation: inout Translation, _ value: Located) -> ImportOutcome {
    switch value["name"]?.scalarText ?? "" {
    case "SelectIndices":
      translation.set("model.neck.blocks", .list((value["indices"]?.elements ?? []).map(\.plain)))
      translation.draft.setIfAbsent("model.neck.name", "learned")
    case "LearnedInterpolateToPyramidal": translation.set("model.neck.name", "learned")
    case "InterpolateToPyramidal": translation.set("model.neck.name", "interpolate")
    case "MaxpoolToPyramidal": translation.set("model.neck.name", "maxpool")
    case "ReshapeTokensToImage": return .defaulted("maps are made of tokens in any case")
    default: return .unmappable("neck \(value.shortText) is not offered")
    }
    return .mapped()
  }

  /// Dropout before the classes belongs to a decoder that has it, else to the task's own head.
  private static func settleDropout(_ translation: inout Translation) {
    guard let share = translation.draft["model.head_dropout"],
      let name = translation.draft["model.decoder.name"]?.scalarText
    else { return }
    let key = "model.init_args.model_args.head_dropout"
    translation.draft.remove("model.head_dropout")
    guard Tasks.decoders[name]?.options["dropout"] != nil else {
      return translation.refuse(key, "decoder \(name) has no dropout here")
    }
    translation.settle(key, .mapped("before the classes"))
    translation.set("model.decoder.dropout", share, for: key)
  }

  // MARK: Adapter

  private static let adapterRules: [ImportRule] = ImportRule.table(
    [
      ImportRule("model.init_args.model_args.peft_config.method") { translation, value in
        guard value.scalarText?.uppercased() == "LORA" else {
          return .unmappable("translate the adapter alone from its adapter_config.json")
        }
        translation.set("adapter.method", "lora")
        return .mapped()
      },
      ImportRule("model.init_args.model_args.peft_config.replace_qkv") { _, value in
        .mapped("slices of \(value.shortText) with an adapter of their own: attn.qkv[q,k,v]")
      },
    ],
    ImportRule.foreign(
      ["model.init_args.model_args.peft_config.moe_config"], "experts are not offered"),
    PEFTFormat.rules.without(["peft_type", "base_model_name_or_path"])
      .below("model.init_args.model_args.peft_config.peft_config_kwargs"))

  static func settleModel(_ translation: inout Translation) {
    settleDropout(&translation)
    if translation.draft["adapter.method"] != nil {
      translation.assume(
        "model.init_args.model_args.peft_config.peft_config_kwargs.r", "adapter.r", 8)
      translation.assume(
        "model.init_args.model_args.peft_config.peft_config_kwargs.lora_alpha", "adapter.alpha", 8)
    }
    // The neck stands for decoders of several maps alone.
    if translation.draft["model.neck"] != nil,
      ["linear-transpose", "linear"].contains(
        translation.draft["model.decoder.name"]?.scalarText ?? "")
    {
      translation.draft.remove("model.neck")
      for key in translation.keys.map(\.key) where key.hasPrefix("model.init_args.model_args.necks")
      {
        translation.settle(key, .defaulted("the decoder takes the last block's map"))
      }
    }
    if let classes = translation.root.at("model.init_args.model_args.num_classes")?.number,
      classes == 1,
      translation.draft["task"]?.scalarText.contains("regression") == true
    {
      translation.draft.remove("model.num_classes")
    }
  }
}
