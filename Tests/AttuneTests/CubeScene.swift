import Attune
import Foundation
import Formats
import Recipes
import TestSupport

/// A georeferenced cube of six bands with labels, from which a small model learns within seconds.
///
/// Three classes in fields of 4×4 pixels with spectra of their own; the first row of each field has no
/// label, four pixels have no values.
struct CubeScene {
  static let side = 24
  static let bands = 6
  static let noData: Float = -1
  let folder: TemporaryDirectory
  /// `[band, row, column]`.
  let cube: [Float]
  /// 1 to 3; 0 without label.
  let labels: [UInt8]

  init() throws {
    let side = Self.side
    folder = try TemporaryDirectory()
    let pixels = side * side
    func field(_ pixel: Int) -> Int { (pixel / side / 4 + pixel % side / 4 * 2) % 3 }
    labels = (0..<pixels).map { $0 / side % 4 == 0 ? 0 : UInt8(1 + field($0)) }
    cube = (0..<(Self.bands * pixels)).map { place in
      let (band, pixel) = (place / pixels, place % pixels)
      if Self.isMissing(pixel) { return Self.noData }
      let noise = Float((place &* 2_654_435_761) % 997) / 997
      return 40 + 30 * Float((band + 2 * field(pixel)) % 3) + 25 * noise
    }
    var layout = RasterLayout(
      width: side, height: side, elementType: .float32,
      bands: [String](repeating: "", count: Self.bands))
    layout.geoReference.transform = [399_960, 10, 0, 5_800_020, 0, -10]
    layout.geoReference.system = Self.system
    let writer = try RasterWriter(path: folder.path("cube.tif"), layout: layout)
    try writer.append(cube)
    try writer.commit()
    let target = try RasterWriter(
      path: folder.path("labels.tif"),
      layout: RasterLayout(width: side, height: side, elementType: .uint8, bands: ["class"]))
    try target.append(labels)
    try target.commit()
  }

  static func isMissing(_ pixel: Int) -> Bool {
    (5...6).contains(pixel / side) && (9...10).contains(pixel % side)
  }

  /// Writes the upper rows of the cube to `top.h5`, rows, columns, bands.
  func writeTop(rows: Int) throws {
    let pixels = Self.side * Self.side
    let values = (0..<(rows * Self.side)).flatMap { pixel in
      (0..<Self.bands).map { cube[$0 * pixels + pixel] }
    }
    let writer = try HDF5Writer(path: folder.path("top.h5"))
    try writer.writeDataset("radiance", shape: [rows, Self.side, Self.bands], values: values)
    try writer.finish()
  }

  /// A token for every pixel of a patch.
  static let vit = TaskScene.vit.replacing("patch_size: 4", with: "patch_size: 1")

  func recipe(model: String) throws -> String {
    let text = """
      version: 1
      name: cube
      seed: 3
      task: pixel-classification
      model:
      \(model.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
      data:
        format: hyperspectral-scene
        inputs:
          image:
            path: cube.tif
            unit: dn
            no_data: -1
            normalize: zscore
            reduce: {method: pca, components: 3, whiten: true}
        target: {path: labels.tif, class_names: [field, forest, lake]}
        patch: {size: 3, padding: mirror}
        split: {method: spatial_block, fractions: [0.5, 0.2, 0.3], block: 8}
        transforms: [horizontal-flip, vertical-flip]
        batch_size: 16
      train:
        max_steps: 80
        optimizer: {name: adamw, lr: 3e-3}
        lr_scheduler: {name: cosine}
        eval_every: 40
      distributed: {threads: 2}
      output: {dir: \(folder.path("runs"))}
      """
    return try folder.write(text, to: "recipe.yaml")
  }

  private static let system = """
    PROJCRS["WGS 84 / UTM zone 33N",BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",\
    ELLIPSOID["WGS 84",6378137,298.257223563,LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,\
    ANGLEUNIT["degree",0.0174532925199433]],ID["EPSG",4326]],CONVERSION["UTM zone 33N",\
    METHOD["Transverse Mercator",ID["EPSG",9807]],PARAMETER["Latitude of natural origin",0,\
    ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8801]],\
    PARAMETER["Longitude of natural origin",15,ANGLEUNIT["degree",0.0174532925199433],\
    ID["EPSG",8802]],PARAMETER["Scale factor at natural origin",0.9996,SCALEUNIT["unity",1],\
    ID["EPSG",8805]],PARAMETER["False easting",500000,LENGTHUNIT["metre",1],ID["EPSG",8806]],\
    PARAMETER["False northing",0,LENGTHUNIT["metre",1],ID["EPSG",8807]]],CS[Cartesian,2],\
    AXIS["(E)",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["(N)",north,ORDER[2],\
    LENGTHUNIT["metre",1]],ID["EPSG",32633]]
    """
}
