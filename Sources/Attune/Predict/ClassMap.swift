import Datasets
import Foundation
import Formats
import Recipes
import Tasks

/// A class map beside its raster: a picture with a legend, and the areas of the classes.
struct ClassMap {
  private let base: String
  private let names: [String]
  /// Of a pixel, in square meters; nil where unknown.
  private let pixelArea: Double?
  /// Decisions over the test part, from which errors of the map are estimated; nil without one.
  private let confusion: ConfusionMatrix?
  private var picture: ClassMapPNG?
  private var pixels: [Int]

  init(_ input: SamplePrediction.Input, _ predictor: SamplePrediction, base: String) {
    self.base = base
    names = predictor.task.target.names
    pixelArea = input.scene.resolution.map { $0 * $0 }
    confusion = predictor.run.testConfusion
    picture =
      names.count <= ClassMapPNG.largestClassCount
      ? ClassMapPNG(
        width: input.scene.width, height: input.scene.height, classNames: names) : nil
    pixels = [Int](repeating: 0, count: names.count)
  }

  /// Takes full rows of classes, -1 for none.
  mutating func add(_ classes: [Int32]) {
    for value in classes where value >= 0 { pixels[Int(value)] += 1 }
    picture?.append(classes)
  }

  /// Writes picture and areas, and gives their paths.
  func write() throws -> [String] {
    var paths: [String] = []
    if let picture {
      try picture.write(to: base + "_prediction.png")
      paths.append(base + "_prediction.png")
    }
    let path = base + "_areas.csv"
    try writeAtomically(Data(areas.utf8), to: path)
    return paths + [path]
  }

  /// Mapped and, where the test part allows it, error-adjusted areas with 95 % intervals.
  private var areas: String {
    let (unit, area) = pixelArea.map { ("ha", $0 / 10_000) } ?? ("pixels", 1)
    var lines = [
      "class,mapped_pixels,mapped_\(unit),estimated_\(unit),ci_lower,ci_upper,users_accuracy,"
        + "producers_accuracy,test_samples"
    ]
    let estimates = confusion.flatMap {
      try? AreaEstimates(
        $0, mappedPixels: pixels, pixelArea: area, unit: unit, classNames: names)
    }
    for (number, name) in names.enumerated() {
      var fields = [csvField(name), "\(pixels[number])", "\(Double(pixels[number]) * area)"]
      if let found = estimates?.classes[number] {
        fields += [
          "\(found.area.value)", "\(found.area.lower)", "\(found.area.upper)",
          found.usersAccuracy.map { "\($0.value)" } ?? "",
          found.producersAccuracy.map { "\($0.value)" } ?? "", "\(found.samples)",
        ]
      } else {
        fields += ["", "", "", "", "", ""]
      }
      lines.append(fields.joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension FinishedRun {
  /// Decisions over the test part, from the run's record.
  var testConfusion: ConfusionMatrix? {
    let record = try? directory.read(RunRecord.self, from: "record.json")
    guard let rows = record?.evaluations.first(where: { $0.split == "test" })?.confusion,
      !rows.isEmpty
    else { return nil }
    return ConfusionMatrix(classes: rows.count, counts: rows.flatMap(\.self))
  }
}
