import Datasets
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

/// Trees of the sample generator, which need Python with numpy, rasterio and h5py, and ../shared.
enum M3LEOSample {
  static let script = Shared.path("tools/make_m3leo_sample.py")

  /// An interpreter that has what the script imports; nil where none is found.
  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["ATTUNE_PYTHON"]
    return ([named].compactMap { $0 } + ["/usr/bin/python3"]).first { path in
      run(path, ["-c", "import numpy, rasterio, h5py"]) == 0
    }
  }()

  static var isPossible: Bool { Shared.isPresent && python != nil }

  static func make(seed: Int, at folder: String) -> Int32 {
    python.map { run($0, [script, "--out", folder, "--seed", "\(seed)"]) } ?? -1
  }

  private static func run(_ program: String, _ arguments: [String]) -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }
}

@Suite(
  "data check of M3LEO",
  .enabled(
    if: M3LEOSample.isPossible,
    "needs ../shared and ATTUNE_PYTHON, an interpreter with numpy, rasterio and h5py"))
struct M3LEOCheckTests {
  /// A planted defect is a chip's or an area's, in a component.
  private struct Planted: Hashable {
    let area: String
    let id: String
    let component: String
    let kind: DataProblem.Kind
  }

  private static let kinds: [String: (component: String, kind: DataProblem.Kind)] = [
    "s1_hole": ("s1grd-2020", .noData),
    "s1_constant_channel": ("s1grd-2020", .constantBand),
    "s2_cloud_gaps": ("s2rgbm-2020", .noData),
    "gssic_absent": ("gssic", .absent),
    "biomass_holes": ("biomass-2020", .noData),
    "wc_unlabelled_hole": ("esaworldcover-2020", .unlabelled),
    "dem_absent": ("srtmdem", .absent),
    "s1_truncated": ("s1grd-2020", .unreadable),
    "s2_truncated_after_header": ("s2rgbm-2020", .unreadable),
    "gssic_truncated": ("gssic", .unreadable),
  ]

  @Test("names every planted defect and nothing else", arguments: 0..<5)
  func planted(seed: Int) throws {
    let folder = try TemporaryDirectory()
    let root = folder.path("tree")
    try #require(M3LEOSample.make(seed: seed, at: root) == 0)
    // What is planted stands beside the tree; the check must find it in the data.
    let manifest = folder.path("manifest.json")
    try FileManager.default.moveItem(atPath: root + "/manifest.json", toPath: manifest)
    struct Manifest: Decodable {
      struct Area: Decodable { let defects: [String: String?] }
      let aois: [String: Area]
    }
    let truth = try JSONDecoder().decode(
      Manifest.self, from: Data(contentsOf: URL(filePath: manifest)))
    var expected = Set<Planted>()
    for (area, content) in truth.aois {
      for (name, id) in content.defects {
        guard let id else { continue }
        let known = try #require(Self.kinds[name])
        expected.insert(
          Planted(area: area, id: id, component: known.component, kind: known.kind))
      }
    }
    #expect(expected.count == 17)
    let check = try DataCheck.of(root)
    #expect(check.format == "m3leo")
    let found = Set(
      check.problems.map { problem in
        let area = problem.file.split(separator: "/").first.map(String.init) ?? ""
        return Planted(
          area: area, id: problem.id, component: problem.component, kind: problem.kind)
      })
    #expect(found.subtracting(expected).isEmpty)
    #expect(expected.subtracting(found).isEmpty)
    #expect(check.problems.count == expected.count)
  }
}
