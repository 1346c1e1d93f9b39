import Datasets
import Foundation
import Formats
import Recipes

/// A cube of spectra with an image of labels: MATLAB, HDF5 or ENVI files.
enum SceneSurvey: DataSurvey {
  static let kind = "a hyperspectral scene"

  /// One array, as `data check` describes it.
  private struct Found: Decodable {
    let file: String
    let variable: String
    let shape: [Int]
    let wavelengths: [Double]
    let labels: [String: Int]

    var isCube: Bool { shape.count == 3 && shape[2] > 3 }
  }

  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft? {
    let files = folder.files(ending: ["mat", "hdr"])
    guard !files.isEmpty || folder.wasFile && isHDF5Scene(folder) else { return nil }
    let place = folder.wasFile ? folder.path(folder.files[0]) : folder.root
    let arrays = try arrays(of: DataCheck.of(place, format: SceneFormat.name))
    guard let cube = arrays.first(where: \.isCube) else { return nil }
    let labels = arrays.first { array in
      !array.isCube && array.shape.prefix(2).elementsEqual(cube.shape.prefix(2))
        && (2...64).contains(array.labels.count)
    }
    var draft = RecipeDraft()
    draft.set("data.format", "hyperspectral-scene")
    addCube(cube, folder, &draft)
    let side = cube.shape.prefix(2).min() ?? 0
    let patch = side >= 60 ? 5 : 3
    draft.set("data.patch", ["size": .integer(patch), "padding": "mirror"])
    draft.set("task", "pixel-classification")
    if let labels {
      addLabels(labels, folder, &draft)
    } else {
      draft.placeholder(
        "data.target.path", .text(RecipeDraft.mark + "/labels.mat"),
        "an image of labels of the same size")
    }
    let block = max(2 * patch, min(32, side / 6))
    draft.set(
      "data.split",
      ["method": "spatial_block", "fractions": [0.5, 0.2, 0.3], "block": .integer(block)])
    draft.comment(
      "data.split",
      "Blocks with a guard band: random pixels would put test pixels inside training patches.")
    draft.set("model.backbone", ["name": "lola-specvit", "preset": "2layer"])
    draft.set("data.transforms", ["horizontal-flip", "vertical-flip"])
    draft.set("data.batch_size", 32)
    draft.addTraining(epochs: 16)
    return draft
  }

  private static func isHDF5Scene(_ folder: SurveyedFolder) -> Bool {
    ["h5", "he5", "hdf5", "nc"].contains((folder.files[0] as NSString).pathExtension.lowercased())
  }

  private static func arrays(of check: DataCheck) throws -> [Found] {
    struct Contents: Decodable { let contents: [Found] }
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try JSONDecoder().decode(Contents.self, from: encoder.encode(check)).contents
  }

  private static func relative(_ file: String, _ folder: SurveyedFolder) -> String {
    file.hasPrefix(folder.root + "/") ? String(file.dropFirst(folder.root.count + 1)) : file
  }

  private static func addCube(
    _ cube: Found, _ folder: SurveyedFolder, _ draft: inout RecipeDraft
  ) {
    let image = "data.inputs.image"
    draft.set("\(image).path", .text(data(relative(cube.file, folder))))
    if !cube.variable.isEmpty { draft.set("\(image).variable", .text(cube.variable)) }
    draft.set("\(image).unit", "reflectance")
    draft.unknown(
      "\(image).unit", "what a value means, its scale, and the marker of missing values (no_data)")
    if cube.wavelengths.isEmpty {
      draft.unknown("\(image).path", "the bands' wavelengths: the file names none")
    }
    draft.set("\(image).normalize", "zscore")
    let bands = cube.shape[2]
    draft.set(
      "\(image).reduce",
      ["method": "pca", "components": .integer(min(8, bands)), "whiten": true, "fit_on": "train"])
    draft.comment("\(image).reduce", "\(bands) bands to few, found from training pixels alone.")
  }

  /// GDAL names an ENVI raster by its data file, not by its header.
  private static func data(_ name: String) -> String {
    name.lowercased().hasSuffix(".hdr") ? String(name.dropLast(4)) : name
  }

  private static func addLabels(
    _ labels: Found, _ folder: SurveyedFolder, _ draft: inout RecipeDraft
  ) {
    draft.set("data.target.path", .text(data(relative(labels.file, folder))))
    if !labels.variable.isEmpty { draft.set("data.target.variable", .text(labels.variable)) }
    let values = labels.labels.keys.compactMap { Double($0).map { Int($0) } }.sorted()
    let classes = values.filter { $0 != 0 }
    draft.set("data.target.unlabelled", 0)
    draft.set("data.target.class_names", .list(classes.map { .text("class_\($0)") }))
    draft.unknown(
      "data.target.class_names",
      "what the stored values \(classes.map(String.init).joined(separator: ", ")) mean, and whether 0 "
        + "is no label")
  }
}
