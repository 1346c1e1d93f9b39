import Datasets
import Formats
import Recipes
import Tasks

/// The class of every pixel as files: a raster with palette and names on the input's grid, and the
/// `ClassMap` beside it.
struct ClassRaster {
  private let writer: RasterWriter
  private var map: ClassMap

  /// No class: what pixels get where the model gave no number.
  private static let noClass = 255

  /// Creates `BASE_prediction.tif`.
  init(_ input: SamplePrediction.Input, _ predictor: SamplePrediction, base: String) throws {
    let names = predictor.task.target.names
    let isNarrow = names.count <= Self.noClass
    var layout = RasterLayout(
      width: input.scene.width, height: input.scene.height,
      elementType: isNarrow ? .uint8 : .uint16, bands: ["class"])
    layout.geoReference = input.scene.geoReference
    layout.metadata = predictor.metadata(input)
    layout.noData = Double(isNarrow ? Self.noClass : Int(UInt16.max))
    if isNarrow { layout.colors = ClassPalette.colors(names.count).map { $0 + [255] } }
    for (number, name) in names.enumerated() { layout.metadata["class_\(number)"] = name }
    writer = try RasterWriter(path: base + "_prediction.tif", layout: layout)
    map = ClassMap(input, predictor, base: base)
  }

  /// Takes full rows of classes from above to below, -1 for none.
  mutating func append(_ classes: [Int32]) throws {
    map.add(classes)
    if writer.layout.elementType == .uint8 {
      try writer.append(classes.map { $0 < 0 ? UInt8(Self.noClass) : UInt8($0) })
    } else {
      try writer.append(classes.map { $0 < 0 ? UInt16.max : UInt16($0) })
    }
  }

  /// Completes the files, and gives the raster's path and those of the others.
  func commit() throws -> (path: String, files: [String]) {
    try writer.commit()
    return (writer.path, try map.write())
  }
}
