import Datasets
import Formats
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Pixels of a scene", .enabled(if: Shared.isPresent, "../shared is absent"))
struct ScenePipelineTests {
  private static let folder = "fixtures/lola-specvit/"

  private struct Expected: Decodable {
    let cube_int16: [[[Float]]]
    let labels: [[Float]]
  }

  private func expected() throws -> Expected {
    try JSONDecoder().decode(
      Expected.self,
      from: Data(
        contentsOf: URL(filePath: Shared.path(Self.folder + "scene-formats/expected.json"))))
  }

  @Test(
    "a cube has the same values from every format",
    arguments: [
      ("v5-compressed-int16.mat", nil, false), ("v5-plain-uint16.mat", nil, true),
      ("v5-two-variables.mat", nil, false), ("v73.mat", "HSI", true),
      ("envi-bsq-le", nil, false), ("envi-bsq-be", nil, false), ("envi-bil-le", nil, false),
      ("envi-bip-le", nil, false),
    ] as [(String, String?, Bool)])
  func formats(name: String, variable: String?, isUnsigned: Bool) throws {
    let cube = try expected().cube_int16
    let array = try SceneArray(
      path: Shared.path(Self.folder + "scene-formats/" + name), variable: variable,
      role: .cube(key: "data.inputs.image.variable"))
    #expect(array.height == 5 && array.width == 4 && array.bands.count == 6)
    for band in 0..<6 {
      for row in 0..<5 {
        for column in 0..<4 {
          let value = cube[row][column][band]
          #expect(
            array.values[(band * 5 + row) * 4 + column] == (isUnsigned ? max(0, value) : value))
        }
      }
    }
    if name.hasPrefix("envi-bsq") {
      #expect(array.wavelengths == [400, 520, 640, 760, 880, 1000])
    }
  }

  @Test("products of imaging spectrometers are read in their own order of axes") func products()
    throws
  {
    let neon = try SceneArray(
      path: Shared.path(Self.folder + "scene-formats/neon.h5"),
      variable: "SJER/Reflectance/Reflectance_Data", role: .cube(key: "k"))
    let cube = try expected().cube_int16
    #expect(neon.noData == -9999)
    let spectrum = (0..<6).map { (band: Int) -> Float in neon.values[20 * band + 6] }
    #expect(spectrum == cube[1][2])
    let prisma = try SceneArray(
      path: Shared.path(Self.folder + "scene-formats/prisma-l2d.he5"),
      variable: "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube", role: .cube(key: "k"))
    #expect(prisma.height == 5 && prisma.width == 4)
  }

  @Test("labels are found beside a cube, and what is not clear is refused with the names")
  func labels() throws {
    let labels = try expected().labels.flatMap { $0 }
    for (name, variable) in [("v5-double-class-uint8-data.mat", nil), ("v73.mat", "gt")] {
      let array = try SceneArray(
        path: Shared.path(Self.folder + "scene-formats/" + name), variable: variable,
        role: .labels(key: "data.target.variable"))
      #expect(array.values == labels)
    }
    let path = Shared.path("data/hyperspectral/enmap_potsdam/EnMAP_Potsdam.mat")
    let error = #expect(throws: DataError.self) {
      try SceneArray(
        path: Shared.path(Self.folder + "scene-formats/v5-two-variables.mat"), variable: nil,
        role: .labels(key: "data.target.variable"))
    }
    #expect(error?.description.contains("data.target.variable") == true)
    #expect(error?.description.contains("WHU_Hi_LongKou [5, 4, 6]") == true)
    let centers = try SceneArray.vector(path: path, variable: "wavelength_nm")
    #expect(centers.count == 218 && centers[0] > 400 && centers[217] < 2500)
  }

  @Test("components, scores and patches agree with scikit-learn and the reference")
  func reference() throws {
    let folder = Self.folder + "pipeline-a.safetensors"
    let file = try SafetensorsNumbers(folder)
    let cube = try file["input.cube"]
    let shape = [14, 11, 20]
    var values = [Float](repeating: 0, count: cube.count)
    for pixel in 0..<154 {
      for band in 0..<20 { values[band * 154 + pixel] = Float(cube[pixel * 20 + band]) }
    }
    let components = try PrincipalComponents(
      of: values, bands: 20, pixels: Array(0..<154), components: 6, whitens: true)
    func worst(_ found: [Double], _ expected: [Double]) -> Double {
      zip(found, expected).map { abs($0 - $1) / (1 + abs($1)) }.max() ?? .infinity
    }
    #expect(worst(components.mean, try file["output.pca_mean"]) < 1e-12)
    #expect(
      worst(components.directions.flatMap { $0 }, try file["output.pca_components"]) < 1e-10)
    #expect(worst(components.variances, try file["output.pca_explained_variance"]) < 1e-10)
    let scores = components.scores(values)
    let expected = try file["output.pca"]
    let byPixel = (0..<154).flatMap { pixel in (0..<6).map { Double(scores[$0 * 154 + pixel]) } }
    // Scores are stored in single precision.
    #expect(worst(byPixel, expected) < 1e-6)
    let image = Tensor(scores, shape: [6, shape[0], shape[1]])
    let patches = ScenePatches(of: image, side: 5, padding: .zero)
    let positions = try file["output.patch_positions"]
    let first = try file["output.patches_first"]
    let standardized = try file["output.patches_first_standardised"]
    for number in 0..<12 {
      let patch = patches.patch(
        row: Int(positions[2 * number]), column: Int(positions[2 * number + 1]))
      let range = (number * 150)..<((number + 1) * 150)
      #expect(worst(patch.elements(as: Float.self).map(Double.init), Array(first[range])) < 1e-6)
      let found = ScenePatches.standardized(patch).elements(as: Float.self).map(Double.init)
      #expect(worst(found, Array(standardized[range])) < 1e-5)
    }
  }

  @Test("beyond the border lies the mirror image, however far") func mirror() {
    let image = Tensor((0..<6).map { Float($0) }, shape: [1, 2, 3])
    let patch = ScenePatches(of: image, side: 7, padding: .mirror).patch(row: 0, column: 0)
    let row: [Float] = [1, 2, 1, 0, 1, 2, 1]
    let below: [Float] = row.map { $0 + 3 }
    #expect(
      patch.elements(as: Float.self) == below + row + below + row + below + row + below)
  }

  @Test("fewer pixels than components, and components without variance, are refused")
  func refusals() {
    let values: [Float] = [1, 2, 3, 2, 4, 6]
    for (pixels, components) in [([0, 1], 2), ([0, 1, 2], 3), ([0, 1, 2], 2)] {
      let error = #expect(throws: DataError.self) {
        try PrincipalComponents(
          of: values, bands: 2, pixels: pixels, components: components, whitens: true)
      }
      #expect(error?.description.contains("reduce.components") == true)
    }
  }
}

/// Arrays of a safetensors file of any element type, as doubles.
private struct SafetensorsNumbers {
  private struct Entry: Decodable {
    let dtype: String
    let data_offsets: [Int]
  }

  private let data: Data
  private let start: Int
  private let entries: [String: Entry]

  init(_ relativePath: String) throws {
    data = try Data(contentsOf: URL(filePath: Shared.path(relativePath)))
    let size = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    start = 8 + size
    let header = try #require(
      try JSONSerialization.jsonObject(with: data[8..<start]) as? [String: Any])
    entries = try header.filter { $0.key != "__metadata__" }.mapValues { value in
      try JSONDecoder().decode(Entry.self, from: JSONSerialization.data(withJSONObject: value))
    }
  }

  subscript(_ name: String) -> [Double] {
    get throws {
      let entry = try #require(entries[name], "no \(name) among \(entries.keys.sorted())")
      let bytes = Array(data[(start + entry.data_offsets[0])..<(start + entry.data_offsets[1])])
      func numbers<Number: BitwiseCopyable>(_ type: Number.Type, _ double: (Number) -> Double)
        -> [Double]
      {
        bytes.withUnsafeBytes { bytes in
          stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size).map {
            double(bytes.loadUnaligned(fromByteOffset: $0, as: type))
          }
        }
      }
      switch entry.dtype {
      case "F32": return numbers(Float.self) { Double($0) }
      case "F64": return numbers(Double.self) { $0 }
      case "I32": return numbers(Int32.self) { Double($0) }
      default: return numbers(Int64.self) { Double($0) }
      }
    }
  }
}
