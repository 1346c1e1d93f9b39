import Datasets
import Foundation
import Formats
import Recipes

/// Names of folders that hold a part of the data.
enum PartFolder {
  private static let names: [(part: String, names: [String])] = [
    ("train", ["train", "training"]), ("val", ["val", "valid", "validation", "dev"]),
    ("test", ["test", "testing"]),
  ]

  /// The part that a folder's name means.
  static func part(_ name: some StringProtocol) -> String? {
    names.first { $0.names.contains(name.lowercased()) }?.part
  }
}

/// Pictures in a folder for each class, with a folder for each part above them or none.
enum ClassFolderSurvey: DataSurvey {
  static let kind = "pictures in folders of classes"

  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft? {
    let files = folder.files(ending: SurveyedRasters.suffixes)
    let paths = files.map { $0.split(separator: "/") }
    guard let depth = paths.first?.count, depth == 2 || depth == 3,
      paths.allSatisfy({ $0.count == depth })
    else { return nil }
    let parts = depth == 3 ? Set(paths.map { String($0[0]) }).sorted() : []
    guard parts.allSatisfy({ PartFolder.part($0) != nil }) else { return nil }
    let byClass = Dictionary(grouping: paths) { String($0[depth - 2]) }
    // Folders of a data set are no classes: images beside their masks share names.
    guard byClass.count >= 2, depth == 3 || !haveSameNames(byClass) else { return nil }
    let rasters = try SurveyedRasters(
      Array(files.prefix(64)), in: "", of: folder)
    var draft = RecipeDraft()
    draft.set("task", "classification")
    let suffix = rasters.suffix
    draft.addInput(rasters, pattern: depth == 3 ? "*/*/*.\(suffix)" : "*/*.\(suffix)")
    draft.set(
      "data.target.class_names", .list(byClass.keys.sorted().map(PlainValue.text)))
    draft.comment("data.target", "The folders' names.")
    draft.addViT(side: 224)
    draft.set("data.transforms", [["name": "resize", "size": 224], "horizontal-flip"])
    draft.comment(
      "data.transforms",
      "The size that the backbone was trained on; without turns that change a class.")
    addSplit(parts, suffix, smallest: byClass.values.map(\.count).min() ?? 0, &draft)
    draft.addTraining()
    return draft
  }

  private static func haveSameNames(_ byClass: [String: [[Substring]]]) -> Bool {
    let names = byClass.values.map { files in
      Set(
        files.map { ($0.last.map(String.init) ?? "" as String) }
          .map { ($0 as NSString).deletingPathExtension })
    }
    guard let first = names.first else { return false }
    return names.dropFirst().contains { first.intersection($0).count * 2 > first.count }
  }

  private static func addSplit(
    _ parts: [String], _ suffix: String, smallest: Int, _ draft: inout RecipeDraft
  ) {
    guard !parts.isEmpty else {
      draft.set("data.split", ["method": "stratified", "fractions": [0.7, 0.15, 0.15]])
      return draft.unknown(
        "data.split",
        "which pictures belong together (one subject, one place): they must not be parted")
    }
    draft.set("data.split.method", "files")
    for name in parts {
      draft.set("data.split.\(PartFolder.part(name) ?? name)", .text("\(name)/*/*.\(suffix)"))
    }
    if draft["data.split.train"] == nil, let first = parts.first {
      draft.set("data.split.train", .text("\(first)/*/*.\(suffix)"))
    }
    if draft["data.split.val"] == nil { draft.set("data.split.val", 0.1) }
  }
}

/// Images beside rasters of labels, numbers or clean images: in folders of their own, or in one folder
/// under names of their own.
enum PairSurvey: DataSurvey {
  static let kind = "images with a raster for each"

  /// Names that mean a target where the values do not tell.
  private static let targets = [
    "label", "labels", "mask", "masks", "gt", "annotation", "annotations", "target", "targets",
    "clean", "hr", "height",
  ]

  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft? {
    let groups = try SurveyedRasters.all(in: folder)
    if groups.count >= 2, let draft = try folders(groups) { return draft }
    guard groups.count == 1 else { return nil }
    return try names(groups[0], of: folder)
  }

  // MARK: Folders

  private static func folders(_ groups: [SurveyedRasters]) throws -> RecipeDraft? {
    // Groups whose last folder has one name, for one part each, are one source.
    let sources = Dictionary(grouping: groups) { ($0.folder as NSString).lastPathComponent }
    let kinds = Dictionary(grouping: groups) { group in
      group.folder.split(separator: "/").filter { PartFolder.part($0) == nil }
        .joined(separator: "/")
    }
    let named = kinds.count == 2 ? kinds : sources
    guard named.count == 2 else { return nil }
    let pair = named.sorted { $0.key < $1.key }.map(\.value)
    let stems = pair.map { groups in groups.reduce(into: Set<String>()) { $0.formUnion($1.stems) } }
    guard stems[0].intersection(stems[1]).count * 2 > stems[0].count else { return nil }
    guard let target = targetIndex(pair.map { $0[0] }, names: named.keys.sorted()) else {
      return nil
    }
    return draft(images: pair[1 - target], targets: pair[target])
  }

  /// Which of two is the target: by values that look like classes, else by name.
  private static func targetIndex(_ pair: [SurveyedRasters], names: [String]) -> Int? {
    let areLabels = pair.map { $0.classes != nil }
    if areLabels[0] != areLabels[1] { return areLabels[0] ? 0 : 1 }
    let areNamed = names.map { name in
      name.lowercased().split { !$0.isLetter }.contains { targets.contains(String($0)) }
    }
    if areNamed[0] != areNamed[1] { return areNamed[0] ? 0 : 1 }
    return nil
  }

  private static func draft(
    images: [SurveyedRasters], targets: [SurveyedRasters]
  ) -> RecipeDraft {
    var draft = RecipeDraft()
    let (image, target) = (images[0], targets[0])
    func pattern(_ groups: [SurveyedRasters]) -> String {
      let folder = FolderLayout.joined(groups.map(\.folder)) ?? groups[0].folder
      return FolderLayout.path(folder, "*.\(groups[0].suffix)")
    }
    addTask(image, target, &draft)
    draft.addInput(image, pattern: pattern(images))
    draft.set("data.target.path", .text(pattern(targets)))
    finish(image, target, &draft)
    let parts = images.compactMap { group in
      group.folder.split(separator: "/").compactMap { PartFolder.part($0) }.first
        .map { ($0, group) }
    }
    if parts.count == images.count, images.count > 1 {
      draft.set("data.split", .map([.init("method", "files")]))
      draft.uncomment("data.split")
      for (part, group) in parts { draft.set("data.split.\(part)", .text(group.pattern)) }
      if draft["data.split.val"] == nil { draft.set("data.split.val", 0.1) }
    }
    return draft
  }

  // MARK: Names

  /// Pairs such as `a_S2.tif` and `a_Label.tif`, or one image and its labels.
  private static func names(
    _ group: SurveyedRasters, of folder: SurveyedFolder
  ) throws -> RecipeDraft? {
    let names = group.files.map { ($0 as NSString).lastPathComponent }
    let endings = Dictionary(grouping: group.files) { file -> String in
      let name = (file as NSString).lastPathComponent
      return name.lastIndex(of: "_").map { String(name[$0...]) } ?? name
    }
    guard endings.count == 2 else { return nil }
    let pair = endings.sorted { $0.key < $1.key }
    let rasters = try pair.map { try SurveyedRasters($0.value, in: group.folder, of: folder) }
    guard rasters[0].files.count == rasters[1].files.count,
      let target = targetIndex(rasters, names: pair.map(\.key))
    else { return nil }
    let isOne = names.count == 2
    func pattern(_ index: Int) -> String {
      let name =
        isOne ? (rasters[index].files[0] as NSString).lastPathComponent : "*" + pair[index].key
      return FolderLayout.path(group.folder, name)
    }
    var draft = RecipeDraft()
    let (image, labels) = (rasters[1 - target], rasters[target])
    addTask(image, labels, &draft)
    draft.addInput(image, pattern: pattern(1 - target))
    draft.set("data.target.path", .text(pattern(target)))
    finish(image, labels, &draft)
    return draft
  }

  // MARK: What the target is

  private static func addTask(
    _ image: SurveyedRasters, _ target: SurveyedRasters, _ draft: inout RecipeDraft
  ) {
    if target.classes != nil {
      draft.set("task", "segmentation")
    } else if target.bands.count == image.bands.count, target.isPicture, image.isPicture,
      target.bands.count > 1 || !target.hasFractions
    {
      draft.set("task", "restoration")
    } else {
      draft.set("task", "pixel-regression")
    }
  }

  private static func finish(
    _ image: SurveyedRasters, _ target: SurveyedRasters, _ draft: inout RecipeDraft
  ) {
    if draft["task"] == "restoration" { return restore(image, &draft) }
    draft.addWindows(image)
    draft.set("model.decoder", "linear")
    draft.comment("model.decoder", "The lightest; upernet is the usual one for large images.")
    if let classes = target.classes {
      draft.addClasses(classes)
    } else {
      draft.unknown("data.target", "what the target's numbers mean, and their unit")
    }
    draft.set("data.transforms", ["horizontal-flip", "vertical-flip"])
    draft.addTraining()
  }

  /// Degraded pictures and clean ones: a small NAFNet, trained as a whole.
  private static func restore(_ image: SurveyedRasters, _ draft: inout RecipeDraft) {
    draft.set("data.inputs.image.normalize", "none")
    draft.set(
      "model.backbone",
      [
        "name": "nafnet", "width": 16, "enc_blk_nums": [1, 1], "middle_blk_num": 2,
        "dec_blk_nums": [1, 1],
      ])
    draft.placeholder(
      "model.weights", .text(RecipeDraft.mark + "/weights.pth"), "pretrained weights, or none")
    let side = min(64, (image.smallest.min() ?? 64) / 4 * 4)
    draft.set(
      "data.transforms", [["name": "random-crop", "size": .integer(side)], "horizontal-flip"])
    draft.set("data.split", ["method": "random", "fractions": [0.7, 0.15, 0.15]])
    draft.addTraining()
  }
}

/// Images alone: masked pretraining, which needs no target.
enum PictureSurvey: DataSurvey {
  static let kind = "images without targets"

  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft? {
    let groups = try SurveyedRasters.all(in: folder)
    guard let first = groups.first else { return nil }
    var draft = RecipeDraft()
    draft.set("task", "pretrain-mae")
    draft.comment(
      "task",
      "No targets were found: the backbone learns to fill in masked parts. Name another task "
        + "and data.target where there are labels elsewhere.")
    let folders = FolderLayout.joined(groups.map(\.folder)) ?? first.folder
    draft.addInput(first, pattern: FolderLayout.path(folders, "*.\(first.suffix)"))
    draft.addWindows(first)
    draft.set("data.transforms", ["horizontal-flip"])
    draft.set(
      "model.pretrain", ["decoder": ["embed_dim": 128, "depth": 2, "num_heads": 4]])
    draft.addTraining(adapting: false)
    return draft
  }
}
