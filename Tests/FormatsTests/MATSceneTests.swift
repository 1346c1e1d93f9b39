import Formats
import Foundation
import TestSupport
import Testing

@Suite("Real MATLAB files", .enabled(if: Shared.isPresent, "../shared is absent"))
struct MATSceneTests {
  private struct Expected: Decodable {
    let cube_int16: [[[Int]]]
    let labels: [[Int]]
  }

  @Test("scenes written by another program hold their values") func fixtures() throws {
    let folder = "fixtures/lola-specvit/scene-formats/"
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(filePath: Shared.path(folder + "expected.json"))))
    let cube = expected.cube_int16.flatMap { $0.flatMap { $0 } }
    for (name, variable, values) in [
      ("v5-compressed-int16.mat", "salinas_corrected", cube),
      ("v5-plain-uint16.mat", "paviaU", cube.map { max(0, $0) }),
      ("v5-two-variables.mat", "WHU_Hi_LongKou", cube),
    ] {
      let file = try MATFile(path: Shared.path(folder + name))
      let found = try file.floats(variable)
      #expect(found.shape == [5, 4, 6])
      #expect(found.elements == values.map { Float($0) }, "\(name)")
      #expect(try file.integers(variable).elements == values, "\(name)")
    }
    let labels = try MATFile(path: Shared.path(folder + "v5-double-class-uint8-data.mat"))
    #expect(labels["indian_pines_gt"]?.kind == .double)
    let found = try labels.integers("indian_pines_gt")
    #expect(found.shape == [5, 4])
    #expect(found.elements == expected.labels.flatMap { $0 })
    let two = try MATFile(path: Shared.path(folder + "v5-two-variables.mat"))
    #expect(two.variables.contains { $0.name == "note" && $0.kind == .character })
    #expect(try MATVersion.ofFile(Shared.path(folder + "v73.mat")) == .v73)
  }

  private func counts(_ name: String, _ variable: String) throws -> [Int] {
    let file = try MATFile(path: Shared.path("data/hyperspectral/ground_truth_only/" + name))
    let values = try file.integers(variable).elements
    return values.reduce(into: [Int](repeating: 0, count: (values.max() ?? 0) + 1)) { $0[$1] += 1 }
  }

  @Test("label images of published scenes have the published numbers of pixels") func labels()
    throws
  {
    #expect(
      try counts("Indian_pines_gt.mat", "indian_pines_gt") == [
        10776, 46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93,
      ])
    #expect(
      try counts("PaviaU_gt.mat", "paviaU_gt") == [
        164624, 6631, 18649, 2099, 3064, 1345, 5029, 1330, 3682, 947,
      ])
    #expect(
      try counts("TRpaviaU.mat", "TRpaviaU") == [
        204626, 327, 503, 284, 152, 232, 457, 349, 318, 152,
      ])
  }

  @Test("cells and structures are passed over") func otherKinds() throws {
    let path = Shared.path("data/hyperspectral/jasper_ridge/jasperRidge2_R198.mat")
    let file = try MATFile(path: path)
    #expect(file["cood"]?.kind == .cell)
    #expect(file["Region"]?.kind == .structure)
    #expect(file["Y"]?.shape == [198, 10000])
    #expect(try file.integers("nRow").elements == [100])
    #expect(try file.integers("Y").elements.max() == 5437)
    // Abundances of the four materials sum to 1 at each pixel.
    let shares = try file.floats("A")
    #expect(shares.shape == [4, 10000])
    for pixel in 0..<10000 {
      let sum = (0..<4).map { shares.elements[$0 * 10000 + pixel] }.reduce(0, +)
      #expect(abs(sum - 1) < 1e-5)
    }
  }

  @Test("a whole scene and its labels agree about which pixels exist") func scene() throws {
    let folder = "data/hyperspectral/enmap_potsdam/"
    let scene = try MATFile(path: Shared.path(folder + "EnMAP_Potsdam.mat"))
    let cube = try scene.floats("enmap_potsdam", order: .lastFirst)
    let valid = try scene.integers("valid")
    #expect(cube.shape == [218, 160, 192])
    #expect(valid.shape == [160, 192])
    let wrong = (0..<(218 * 160 * 192)).count { index in
      (cube.elements[index] == -32768) == (valid.elements[index % (160 * 192)] == 1)
    }
    #expect(wrong == 0)
    #expect(valid.elements.reduce(0, +) == 14 * 32 * 32)
  }
}
