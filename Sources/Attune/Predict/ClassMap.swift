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
  private let decisions: UnitDecisions?
  private let bootstrap: Bootstrap
  private var picture: ClassMapPNG?
  private var pixels: [Int]

  init(_ input: SamplePrediction.Input, _ predictor: SamplePrediction, base: String) {
    self.base = base
    names = predictor.task.target.names
    pixelArea = input.scene.resolution.map { $0 * $0 }
    decisions = predictor.run.testDecisions
    let recipe = predictor.run.plan.recipe
    bootstrap = Bootstrap(
      resamples: max(1, recipe.evaluation.bootstrapResamples),
      seed: UInt64(bitPattern: Int64(recipe.seed)))
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

  /// Mapped and, where the test part allows it, error-adjusted areas with 95 % intervals over
  /// resampled units of the test part.
  private var areas: String {
    let (unit, area) = pixelArea.map { ("ha", $0 / 10_000) } ?? ("pixels", 1)
    var table = [
      [
        "class", "unit", "mapped_area", "estimated_area", "ci_lower", "ci_upper", "users_accuracy",
        "producers_accuracy", "test_pixels", "test_units", "note",
      ]
    ]
    let (estimates, note) = estimates(pixelArea: area, unit: unit)
    let intervals = decisions.map {
      AreaEstimates.intervals(over: $0, mappedPixels: pixels, pixelArea: area, bootstrap)
    }
    for (number, name) in names.enumerated() {
      var row = [name, unit, "\(Double(pixels[number]) * area)"]
      if let found = estimates?.classes[number] {
        let interval = intervals?[number]
        row += [
          "\(found.area.value)", interval.map { "\($0.lower)" } ?? "",
          interval.map { "\($0.upper)" } ?? "", found.usersAccuracy.map { "\($0.value)" } ?? "",
          found.producersAccuracy.map { "\($0.value)" } ?? "", "\(found.samples)",
          "\(decisions?.units ?? 0)",
        ]
      } else {
        row += [String](repeating: "", count: 7)
      }
      table.append(row + [note])
    }
    return table.map { $0.map(csvField).joined(separator: ",") + "\n" }.joined()
  }
}

extension ClassMap {
  /// The error-adjusted areas, or why there are none.
  private func estimates(
    pixelArea: Double, unit: String
  ) -> (estimates: AreaEstimates?, note: String) {
    guard let decisions else { return (nil, "the run has no test part to estimate errors from") }
    do {
      let estimates = try AreaEstimates(
        decisions.whole, mappedPixels: pixels, pixelArea: pixelArea, unit: unit,
        classNames: names)
      return (estimates, "")
    } catch {
      return (nil, "\(error)")
    }
  }
}

extension FinishedRun {
  /// Decisions over the test part, from the run's record.
  var testDecisions: UnitDecisions? {
    let record = try? directory.read(RunRecord.self, from: "record.json")
    guard let evaluation = record?.evaluations.first(where: { $0.split == "test" }),
      let rows = evaluation.unitDecisions, let classNames = evaluation.classNames
    else { return nil }
    return UnitDecisions(classes: classNames.count, rows: rows)
  }
}
