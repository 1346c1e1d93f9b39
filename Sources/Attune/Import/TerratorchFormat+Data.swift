import Foundation
import Recipes

/// terratorch's generic data modules: rasters found by patterns in one folder for each part.
extension TerratorchFormat {
  private static let parts = ["train", "val", "test"]

  static let dataRules: [ImportRule] = ImportRule.table(
    [
      ImportRule("data.class_path") { translation, value in
        let generic = [
          "GenericNonGeoSegmentationDataModule", "GenericNonGeoPixelwiseRegressionDataModule",
          "GenericNonGeoClassificationDataModule",
        ]
        let name = PeerTraining.className(value)
        guard generic.contains(name) else {
          return .unmappable("data module \(name): give data.format, root, inputs and target")
        }
        translation.set("data.format", "geotiff")
        return .mapped("pictures in PNG are image-folder")
      },
      .integer("data.init_args.batch_size", "data.batch_size"),
      .integer("data.init_args.num_workers", "data.num_workers"),
      .to("data.init_args.dataset_bands", "data.inputs.image.dataset_bands"),
      .to("data.init_args.output_bands", "data.inputs.image.bands"),
      ImportRule("data.init_args.rgb_indices", shownBands),
      .number("data.init_args.constant_scale", "data.inputs.image.scale"),
      ImportRule("data.init_args.means") { _, _ in .mapped("with stds") },
      ImportRule("data.init_args.stds") { _, _ in .mapped("with means") },
      ImportRule("data.init_args.no_data_replace") { _, value in
        .unmappable(
          "missing values become \(value.shortText) before normalization there, the mean or "
            + "no_data_replace after it here; the same where nothing is missing")
      },
      ImportRule("data.init_args.no_label_replace") { translation, value in
        let ignored = translation.root.at("model.init_args.ignore_index")?.number ?? 255
        return value.number == ignored
          ? .defaulted("pixels without a label are ignored")
          : .unmappable("pixels without a label are ignored, not class \(value.shortText)")
      },
      ImportRule("data.init_args.reduce_zero_label") { translation, value in
        guard value.flag == true else { return .defaulted("off") }
        return zeroLabelReduced(&translation, "model.init_args.model_args.num_classes")
      },
      ImportRule("data.init_args.num_classes") { translation, value in
        guard translation.draft["model.num_classes"] == nil else {
          return .defaulted("the model says the same")
        }
        translation.set("model.num_classes", value.plain)
        return .mapped()
      },
      ImportRule("data.init_args.class_names") { translation, value in
        translation.set("data.target.class_names", value.plain)
        return .mapped()
      },
      ImportRule("data.init_args.train_transform") { _, _ in .open },
      ImportRule("data.init_args.train_transform.*") { PeerTransforms.albumentation($1, &$0) },
      ImportRule("data.init_args.img_grep") { _, _ in .mapped("in the patterns of inputs and split")
      },
      ImportRule("data.init_args.label_grep") { _, _ in .mapped("in the pattern of the target") },
      .only(
        "data.init_args.drop_last", [false], "the last, smaller batch counts",
        otherwise: "the last, smaller batch of an epoch is trained on as well",
        changesResult: false),
      .only(
        "data.init_args.expand_temporal_dimension", [false], "one time",
        otherwise: "several times of one place are not offered"),
    ],
    parts.flatMap { part in
      [
        ImportRule("data.init_args.\(part)_data_root") { _, _ in .mapped("in root and split") },
        ImportRule("data.init_args.\(part)_label_data_root") { _, _ in
          .mapped("in root and the pattern of the target")
        },
        ImportRule("data.init_args.\(part)_split") { _, value in
          .unmappable(
            "a list of names: put the files of each part in a folder, or name the parts in a table "
              + "(split: {method: column, file: \(value.shortText)})")
        },
      ]
    },
    ["val_transform", "test_transform"].map { name in
      ImportRule("data.init_args.\(name)") { translation, value in
        let own = value.elements.filter { !PeerTransforms.isConversion($0) }
        let trained = translation.root.at("data.init_args.train_transform")?.elements ?? []
        let isShared = own.allSatisfy { element in
          trained.contains { $0.plain == element.plain }
            && PeerTransforms.isDeterministic(element)
        }
        return isShared
          ? .defaulted("what draws nothing prepares all parts")
          : .unmappable("evaluation sees what draws nothing among data.transforms")
      }
    },
    ImportRule.foreign(
      [
        "data.init_args.modalities", "data.init_args.allow_missing_modalities",
        "data.init_args.predict_output_bands",
      ], "several modalities in one module: name each input"),
    ImportRule.ignored(
      [
        "ignore_split_file_extensions", "allow_substring_split_file", "predict_data_root",
        "predict_dataset_bands", "pin_memory", "check_stackability", "collate_fn",
        "data_with_sample_dim", "predict_transform",
      ].map { "data.init_args.\($0)" },
      "how files are loaded"))

  /// Indices count the bands that come out.
  private static func shownBands(
    _ translation: inout Translation, _ value: Located
  ) -> ImportOutcome {
    let bands =
      translation.root.at("data.init_args.output_bands")?.elements
      ?? translation.root.at("data.init_args.dataset_bands")?.elements ?? []
    let shown = value.elements.compactMap { element -> PlainValue? in
      guard let index = element.number.map({ Int($0) }) else { return nil }
      return bands.indices.contains(index) ? bands[index].plain : .integer(index)
    }
    guard shown.count == 3 else {
      return .unmappable("three bands are shown", changesResult: false)
    }
    translation.set("data.inputs.image.rgb_bands", .list(shown))
    return .mapped()
  }

  /// Stored 0 is no label, stored k is class k − 1.
  static func zeroLabelReduced(
    _ translation: inout Translation, _ classesKey: String
  ) -> ImportOutcome {
    guard let count = translation.root.at(classesKey)?.number, count >= 1 else {
      return .unmappable("the number of classes is missing, which the map of labels needs")
    }
    let fields = (1...Int(count)).map { PlainValue.Field("\($0)", .integer($0 - 1)) }
    translation.set("data.target.label_map", .map(fields))
    translation.set("data.target.unmapped", "ignore")
    return .mapped("stored 0 is ignored, stored k is class k - 1")
  }

  // MARK: What several keys say together

  static func settleData(_ translation: inout Translation) {
    let root = translation.root
    if let means = root.at("data.init_args.means")?.plain,
      let deviations = root.at("data.init_args.stds")?.plain
    {
      for key in ["means", "stds"] {
        translation.set(
          "data.inputs.image.stats", ["means": means, "stds": deviations],
          for: "data.init_args.\(key)")
      }
      translation.set("data.inputs.image.normalize", "zscore", for: "data.init_args.means")
    }
    settleFiles(&translation)
  }

  /// Root, patterns and split from one folder for each part.
  private static func settleFiles(_ translation: inout Translation) {
    let root = translation.root
    let given = parts.filter { root.at("data.init_args.\($0)_data_root")?.scalarText != nil }
    let folders = given.map { root.at("data.init_args.\($0)_data_root")?.scalarText ?? "" }
    guard !folders.isEmpty, translation.draft["data.format"] != nil else { return }
    let labels = given.map {
      root.at("data.init_args.\($0)_label_data_root")?.scalarText
        ?? root.at("data.init_args.\($0)_data_root")?.scalarText ?? ""
    }
    let hasTarget = translation.draft["task"]?.scalarText != "classification"
    let layout = FolderLayout(hasTarget ? folders + labels : folders)
    let images = root.at("data.init_args.img_grep")?.scalarText ?? "*"
    let targets = root.at("data.init_args.label_grep")?.scalarText ?? "*"
    let firstKey = "data.init_args.\(given[0])_data_root"
    translation.set("data.root", .text(layout.root), for: firstKey)
    let relative = folders.map(layout.relative)
    guard let pattern = FolderLayout.joined(relative),
      let targetPattern = FolderLayout.joined(labels.map(layout.relative))
    else {
      return translation.refuse(
        firstKey, "the folders lie at different depths: name inputs, target and split by hand")
    }
    let isNested = !hasTarget
    translation.set(
      "data.inputs.image.path",
      .text(FolderLayout.path(pattern, isNested ? "*/" + images : images)),
      for: firstKey)
    if hasTarget {
      translation.set(
        "data.target.path", .text(FolderLayout.path(targetPattern, targets)), for: firstKey)
    }
    guard Set(folders).count > 1 else {
      return translation.refuse(
        firstKey, "all parts lie in one folder, and lists of names part them: give data.split",
        changesResult: false)
    }
    translation.draft.set("data.split.method", "files")
    for (place, (part, folder)) in zip(given, relative).enumerated() {
      // A sample of two parts is refused: a part on another's files is that part.
      if let other = relative[..<place].firstIndex(of: folder) {
        translation.settle(
          "data.init_args.\(part)_data_root",
          .mapped("the files of \(given[other]): evaluation looks at that part"))
        translation.set("eval.split", .text(given[other]), for: "data.init_args.\(part)_data_root")
        continue
      }
      translation.set(
        "data.split.method", "files", for: "data.init_args.\(part)_data_root")
      translation.set(
        "data.split.\(part)", .text(FolderLayout.path(folder, isNested ? "*/" + images : images)),
        for: "data.init_args.\(part)_data_root")
    }
  }
}

/// Folders of the parts of a data set under their common root.
struct FolderLayout {
  let root: String

  init(_ folders: [String]) {
    let split = folders.map { $0.split(separator: "/", omittingEmptySubsequences: false) }
    var common = split.first ?? []
    for folder in split {
      common = Array(zip(common, folder).prefix { $0 == $1 }.map(\.0))
    }
    root = common.isEmpty ? "." : common.joined(separator: "/")
  }

  /// Below the root.
  func relative(_ folder: String) -> String {
    guard root != ".", folder.hasPrefix(root) else { return folder }
    return String(folder.dropFirst(root.count).drop { $0 == "/" })
  }

  /// One pattern for folders of one depth: what differs becomes `*`; nil for other depths.
  static func joined(_ folders: [String]) -> String? {
    let split = folders.map { $0.split(separator: "/") }
    guard let first = split.first, split.allSatisfy({ $0.count == first.count }) else { return nil }
    return first.indices.map { place in
      Set(split.map { $0[place] }).count == 1 ? String(first[place]) : "*"
    }.joined(separator: "/")
  }

  static func path(_ folder: String, _ name: String) -> String {
    folder.isEmpty ? name : "\(folder)/\(name)"
  }
}
