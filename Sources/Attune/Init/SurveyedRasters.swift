import Datasets
import Foundation
import Formats
import Recipes
import Tensors

/// Rasters or pictures of one folder, as the first of them shows them.
struct SurveyedRasters {
  let folder: String
  /// Below the root, sorted.
  let files: [String]
  let bands: [String]
  /// Height and width of the smallest of the first files.
  let smallest: [Int]
  let sameSize: Bool
  /// Stored values of the first files where they look like classes; nil for measurements.
  let classes: [Int]?
  let hasFractions: Bool
  let isPicture: Bool

  static let suffixes = ["png"] + GeoTIFFFormat.suffixes
  /// How many files are opened, and how many classes a raster may have.
  private static let (opened, mostClasses) = (8, 64)

  /// All folders with rasters or pictures.
  static func all(in folder: SurveyedFolder) throws -> [SurveyedRasters] {
    let files = folder.files(ending: suffixes)
    return try Dictionary(grouping: files) { ($0 as NSString).deletingLastPathComponent }
      .sorted { $0.key < $1.key }
      .map { try SurveyedRasters($0.value, in: $0.key, of: folder) }
  }

  init(_ files: [String], in name: String, of folder: SurveyedFolder) throws {
    self.folder = name
    self.files = files
    isPicture = files.allSatisfy { $0.lowercased().hasSuffix(".png") }
    let shown = try files.prefix(Self.opened).map { file -> PixelFile in
      let path = folder.path(file)
      return file.lowercased().hasSuffix(".png") ? try .png(path: path) : try .raster(path: path)
    }
    bands = shown[0].bands
    let sizes = shown.map { [$0.height, $0.width] }
    smallest = [sizes.map { $0[0] }.min() ?? 0, sizes.map { $0[1] }.min() ?? 0]
    sameSize = Set(sizes).count == 1
    var values = Set<Float>()
    for file in shown where file.bands.count == 1 && values.count <= 4 * Self.mostClasses {
      let window = RasterFile.Window(
        column: 0, row: 0, width: file.width, height: file.height)
      values.formUnion(
        try file.read(bands: [0], in: window).elements(as: Float.self).filter(\.isFinite))
    }
    hasFractions = values.contains { $0 != $0.rounded() }
    let isLabels = bands.count == 1 && !hasFractions && values.count <= Self.mostClasses
    classes = isLabels ? values.map { Int($0) }.sorted() : nil
  }

  var suffix: String { (files[0] as NSString).pathExtension }
  var stems: Set<String> {
    Set(files.map { (($0 as NSString).lastPathComponent as NSString).deletingPathExtension })
  }

  /// Pattern of the folder's files.
  var pattern: String { folder.isEmpty ? "*.\(suffix)" : "\(folder)/*.\(suffix)" }
}

extension RecipeDraft {
  /// Format and input for rasters or pictures.
  mutating func addInput(_ rasters: SurveyedRasters, pattern: String) {
    set("data.format", rasters.isPicture ? "image-folder" : "geotiff")
    set("data.inputs.image.path", .text(pattern))
    if rasters.isPicture {
      set("data.inputs.image.unit", "dn")
      set("data.inputs.image.scale", 0.0039215686)
    } else {
      set("data.inputs.image.unit", "dn")
      unknown(
        "data.inputs.image.unit",
        "what a value means: dn as stored, or reflectance, radiance, db with scale and offset")
    }
    set("data.inputs.image.normalize", "zscore")
    if rasters.bands.count != 3 {
      unknown(
        "data.inputs",
        "the weights' bands: \(rasters.bands.count) here, and model.channel_policy says what to do "
          + "with weights of others")
    }
  }

  /// A plain ViT for images of a side.
  mutating func addViT(side: Int) {
    set("model.backbone", ["name": "vit", "model": "vit_small_patch16_224"])
    let patch = [16, 8, 4, 2].first { side.isMultiple(of: $0) && side / $0 >= 4 }
    if let patch, patch < 16 {
      set("model.backbone.patch_size", .integer(patch))
      comment(
        "model.backbone",
        "Images are small: patches of \(patch) pixels need weights of such a model.")
    } else if patch == nil {
      set("model.backbone.patch_size", 1)
    }
  }

  /// Names for stored classes.
  mutating func addClasses(_ classes: [Int]) {
    let known = classes.filter { $0 >= 0 && $0 != 255 }
    let isPlain = known == Array(0..<known.count)
    if !isPlain || known.count < classes.count {
      let ignored = classes.filter { !known.contains($0) }
      set(
        "data.target.label_map",
        .map(
          known.enumerated().map { .init("\($1)", .integer($0)) }
            + ignored.map { .init("\($0)", 255) }))
    }
    set("data.target.class_names", .list(known.map { .text("class_\($0)") }))
    unknown(
      "data.target.class_names",
      "what the stored values \(known.map(String.init).joined(separator: ", ")) mean"
        + (known.first == 0 ? "; where 0 means no label, map it to 255 in label_map" : ""))
  }

  /// Windows and split for rasters of a size; blocks keep the parts apart where files are few.
  mutating func addWindows(_ rasters: SurveyedRasters) {
    let side = rasters.smallest.min() ?? 0
    let isMany = rasters.files.count >= 10
    let sizes = [224, 128, 64, 32, 16, 8, 4]
    // Ten or more files are split as they are; of fewer, blocks of at least 12 must fit.
    let window = sizes.first { size in
      isMany ? size <= side : (side / size) * (side / size) * rasters.files.count >= 12
    }
    guard isMany, rasters.sameSize, side <= 256, side.isMultiple(of: 4) else {
      let size = window ?? max(1, side)
      set("data.patch", ["size": .integer(size), "stride": .integer(size)])
      addViT(side: size)
      return addSplit(isMany: isMany, block: size)
    }
    addViT(side: side)
    addSplit(isMany: true, block: side)
  }

  private mutating func addSplit(isMany: Bool, block: Int) {
    if isMany {
      set("data.split", ["method": "random", "fractions": [0.7, 0.15, 0.15]])
      unknown(
        "data.split",
        "which files belong together (one place, one day): files of a group must not be parted")
    } else {
      set(
        "data.split",
        ["method": "spatial_block", "fractions": [0.6, 0.2, 0.2], "block": .integer(block)])
      comment(
        "data.split", "Few files: blocks apart from each other, since neighboring windows leak.")
    }
  }
}
