import Recipes

/// mmsegmentation's data loaders: folders of images and label rasters for each part.
extension MMSegFormat {
  private static let loaders = ["train_dataloader", "val_dataloader", "test_dataloader"]
  private static let training = "train_dataloader.dataset"

  /// What the classes of the package fix: endings, and whether stored 0 means no label.
  private static let named: [String: (image: String, label: String, skipsZero: Bool)] = [
    "ADE20KDataset": (".jpg", ".png", true), "LoveDADataset": (".png", ".png", true),
    "PotsdamDataset": (".png", ".png", true), "ISPRSDataset": (".png", ".png", true),
    "CityscapesDataset": ("_leftImg8bit.png", "_gtFine_labelTrainIds.png", false),
    "DRIVEDataset": (".png", "_manual1.png", false),
    "BaseSegDataset": (".jpg", ".png", false), "CustomDataset": (".jpg", ".png", false),
  ]

  static let dataRules: [ImportRule] = ImportRule.table(
    loaders.flatMap(rules),
    [
      .integer("train_dataloader.batch_size", "data.batch_size"),
      .integer("train_dataloader.num_workers", "data.num_workers"),
      ImportRule("train_dataloader.sampler") { translation, value in
        let isShuffled = value["shuffle"]?.flag != false
        translation.set("data.sampler", isShuffled ? "shuffle" : "sequential")
        return .mapped()
      },
    ],
    ImportRule.ignored(
      [
        "dataset_type", "data_root", "crop_size", "norm_cfg", "backbone_norm_cfg", "num_classes",
        "classes", "palette", "metainfo", "train_pipeline", "val_pipeline", "test_pipeline",
        "img_ratios", "checkpoint_file", "img_scale", "image_scale",
      ],
      "a name for other lines of the file"))

  /// Rows of one loader.
  private static func rules(_ loader: String) -> [ImportRule] {
    let isTraining = loader == loaders[0]
    let rows = ImportRule.table(
      [
        ImportRule("dataset.type") { translation, value in
          guard named[value.scalarText ?? ""] != nil else {
            return .unmappable("data set class \(value.shortText): give inputs, target and split")
          }
          return .mapped("endings of file names")
        },
        ImportRule("dataset.ann_file") { _, value in
          value.scalarText?.isEmpty == true
            ? .defaulted("all files")
            : .unmappable(
              "a list of names: put the files of each part in a folder, or name the "
                + "parts in a table (split: {method: column})")
        },
        ImportRule("dataset.metainfo") { translation, value in
          guard let classes = value["classes"]?.plain else { return .defaulted("colors") }
          translation.set("data.target.class_names", classes)
          return .mapped()
        },
        ImportRule("dataset.reduce_zero_label") { translation, value in
          value.flag == true
            ? TerratorchFormat.zeroLabelReduced(&translation, "model.decode_head.num_classes")
            : .defaulted("off")
        },
        ImportRule("dataset.ignore_index") { translation, value in
          translation.set("data.target.ignore_index", value.plain)
          return .mapped()
        },
        ImportRule("dataset.pipeline") { _, _ in .open },
        ImportRule("dataset.pipeline.*") { translation, value in
          isTraining ? prepared(value, &translation) : shown(value, &translation)
        },
      ],
      ["data_root", "data_prefix", "img_suffix", "seg_map_suffix"].map { name in
        ImportRule("dataset.\(name)") { _, _ in .mapped("in root, patterns and split") }
      },
      ImportRule.foreign(["dataset.indices"], "a part of the data; give data.split.limit"),
      ImportRule.ignored(
        (isTraining ? [] : ["batch_size", "num_workers", "sampler"])
          + [
            "persistent_workers", "pin_memory", "collate_fn",
            "drop_last", "dataset.test_mode", "dataset.lazy_init",
            "dataset.serialize_data",
          ], "how files are served"))
    return rows.below(loader)
  }

  // MARK: Pipelines

  /// A step that training images go through.
  private static func prepared(
    _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    let size = value["crop_size"] ?? value["scale"]
    let sides = size?.elements.map(\.plain) ?? []
    let square = sides.count == 2 && sides[0] == sides[1] ? sides[0] : size?.plain ?? 512
    switch value["type"]?.scalarText ?? "" {
    case "RandomFlip":
      let chance = value["prob"]?.number ?? 0.5
      let isVertical = value["direction"]?.scalarText == "vertical"
      return PeerTransforms.add(
        isVertical ? "vertical-flip" : "horizontal-flip", chance, [], &translation)
    case "RandomCrop":
      _ = PeerTransforms.add("random-crop", nil, [.init("size", square)], &translation)
      guard value["cat_max_ratio"]?.number ?? 1 == 1 else {
        return .unmappable("crops are drawn once here, whatever class prevails (cat_max_ratio)")
      }
      return .mapped()
    case "Resize" where value["keep_ratio"]?.flag != true:
      // OpenMMLab writes width before height.
      let turned = sides.count == 2 ? PlainValue.list([sides[1], sides[0]]) : square
      return PeerTransforms.add(
        "resize", nil, [.init("size", sides.count == 2 && sides[0] != sides[1] ? turned : square)],
        &translation)
    case "RandomRotate":
      return PeerTransforms.add(
        "rotate", value["prob"]?.number, [.init("degrees", value["degree"]?.plain ?? 10)],
        &translation)
    case "LoadAnnotations" where value["reduce_zero_label"]?.flag == true:
      return TerratorchFormat.zeroLabelReduced(&translation, "model.decode_head.num_classes")
    case let name where PeerTransforms.isConversion(value):
      return .defaulted(name.hasPrefix("Load") ? "files are read in any case" : "as here")
    case let name: return .unmappable("transform \(name) is not offered")
    }
  }

  /// A step that other images go through: they keep their size here.
  private static func shown(_ value: Located, _ translation: inout Translation) -> ImportOutcome {
    if value["type"]?.scalarText == "LoadAnnotations", value["reduce_zero_label"]?.flag == true {
      return .mapped("as in training")
    }
    if PeerTransforms.isConversion(value) { return .defaulted("files are read in any case") }
    let trained = translation.root.at("\(training).pipeline")?.elements ?? []
    if value["type"]?.scalarText == "Resize", trained.contains(where: { $0.plain == value.plain }),
      value["keep_ratio"]?.flag != true
    {
      return .mapped("what draws nothing prepares all parts")
    }
    return .unmappable("evaluation sees what draws nothing among data.transforms")
  }

  // MARK: Files

  /// Root, patterns and split from the folders of the loaders.
  static func settleFiles(_ translation: inout Translation) {
    let root = translation.root
    let parts = zip(loaders, ["train", "val", "test"]).filter { root.at("\($0.0).dataset") != nil }
    guard let first = parts.first, let type = root.at("\(first.0).dataset.type")?.scalarText else {
      return
    }
    let known = named[type] ?? (".jpg", ".png", false)
    let image = root.at("\(first.0).dataset.img_suffix")?.scalarText ?? known.image
    let label = root.at("\(first.0).dataset.seg_map_suffix")?.scalarText ?? known.label
    func folder(_ loader: String, _ kind: String) -> String {
      let base = root.at("\(loader).dataset.data_root")?.scalarText ?? ""
      let below = root.at("\(loader).dataset.data_prefix.\(kind)")?.scalarText ?? ""
      return [base, below].filter { !$0.isEmpty }
        .map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }.joined(separator: "/")
    }
    let images = parts.map { folder($0.0, "img_path") }
    let labels = parts.map { folder($0.0, "seg_map_path") }
    let key = "\(first.0).dataset.data_prefix"
    let layout = FolderLayout(images + labels)
    guard let pattern = FolderLayout.joined(images.map(layout.relative)),
      let target = FolderLayout.joined(labels.map(layout.relative))
    else { return translation.refuse(key, "the folders lie at different depths") }
    translation.draft.setIfAbsent(
      "data.format", image.hasSuffix(".png") ? "image-folder" : "geotiff")
    translation.set("data.root", .text(layout.root), for: key)
    translation.set(
      "data.inputs.image.path", .text(FolderLayout.path(pattern, "*" + image)), for: key)
    translation.set("data.inputs.image.unit", "dn", for: key)
    translation.set("data.target.path", .text(FolderLayout.path(target, "*" + label)), for: key)
    if known.skipsZero, translation.draft["data.target.label_map"] == nil {
      let outcome = TerratorchFormat.zeroLabelReduced(
        &translation, "model.decode_head.num_classes")
      translation.record("\(first.0).dataset.reduce_zero_label", nil, outcome)
    }
    guard Set(images).count > 1 || images.count == 1 else {
      return translation.refuse(key, "all parts share a folder: give data.split")
    }
    translation.draft.set("data.split.method", "files")
    for (place, (part, folder)) in zip(parts, images).enumerated() {
      // A sample of two parts is refused: a part on another's files is that part.
      if let other = images[..<place].firstIndex(of: folder) {
        translation.set(
          "eval.split", .text(parts[other].1), for: "\(part.0).dataset.data_prefix")
        continue
      }
      translation.set(
        "data.split.\(part.1)", .text(FolderLayout.path(layout.relative(folder), "*" + image)),
        for: "\(part.0).dataset.data_prefix")
    }
  }
}
