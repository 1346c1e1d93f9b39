import Datasets
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Scene data", .enabled(if: Shared.isPresent, "../shared is absent"))
struct SceneDataTests {
  static let names = ["roof", "pavement", "low vegetation", "tree", "soil", "water"]

  /// The scene of the conventions' example.
  private func potsdam(_ split: SceneSplit) -> SceneOptions {
    var image = SceneOptions.Image(
      name: "image", source: .init(path: "EnMAP_Potsdam.mat", variable: "enmap_potsdam"))
    image.wavelengths = .variable("wavelength_nm")
    image.unit = "reflectance"
    image.scale = 1e-4
    image.noData = -32768
    image.isStandardizedByPatch = true
    image.reduction = .components(15, whitens: true, fit: .train)
    var target = SceneOptions.Target(
      source: .init(path: "EnMAP_Potsdam_gt.mat", variable: "enmap_potsdam_gt"))
    target.classNames = Self.names
    return SceneOptions(
      root: Shared.path("data/hyperspectral/enmap_potsdam"), image: image, target: target,
      patch: 9, split: .computed(split))
  }

  private static let stratified = SceneSplit(
    .stratified(fractions: [0.1, 0.1, 0.8], minimumPerClass: 1))

  @Test("each labelled pixel is a patch of components with its class") func samples() throws {
    let data = try SceneData(potsdam(Self.stratified), seed: 1)
    #expect(data.labels.labelled.count == 402 + 704 + 847 + 1660 + 41 + 152)
    var counts = [Int](repeating: 0, count: 6)
    for part in SplitPart.allCases {
      let samples = try #require(data.patches(part, augmented: false))
      #expect(samples.count == data.partition.parts[part]?.count)
      for index in 0..<samples.count {
        let sample = try samples.sample(index, epoch: 0)
        let target = try #require(sample["target"]).elements(as: Int32.self)[0]
        counts[Int(target)] += 1
        if index > 3 { continue }
        let patch = try #require(sample["image"])
        #expect(patch.shape == [15, 9, 9])
        let band = patch.elements(as: Float.self).prefix(81)
        #expect(abs(band.reduce(0, +)) < 1e-3)
        #expect(abs(band.reduce(0) { $0 + $1 * $1 } / 80 - 1) < 1e-3)
        #expect(sample["image.wavelengths"] == nil)
      }
    }
    #expect(counts == [402, 704, 847, 1660, 41, 152])
    #expect(data.notes.first?.contains("of the test pixels lie inside a training patch") == true)
  }

  @Test("the record holds the classes' mean spectra of the training pixels, and the leak")
  func spectra() throws {
    let options = potsdam(Self.stratified)
    let data = try SceneData(options, seed: 1)
    let record = data.record(files: [], testDigest: "")
    let spectra = try #require(record.spectra)
    #expect(spectra.bands.count == 218 && spectra.wavelengths?.count == 218)
    #expect(spectra.unit == "reflectance")
    #expect(spectra.classes.map(\.name) == Self.names)
    let cube = try SceneArray(
      path: options.root + "/EnMAP_Potsdam.mat", variable: "enmap_potsdam", role: .cube(key: "k"))
    let training = try #require(data.partition.parts[.train])
    for (label, spectrum) in spectra.classes.enumerated() {
      let own = training.filter { data.labels.classes[$0] == label }
      #expect(spectrum.count == own.count)
      for band in [0, 100, 217] {
        let values = own.map { 1e-4 * Double(cube.values[band * 160 * 192 + $0]) }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(abs(spectrum.means[band] - mean) < 1e-6)
        #expect(abs(spectrum.standardDeviations[band] - variance.squareRoot()) < 1e-6)
      }
    }
    #expect(record.leak == data.partition.insideShare && data.partition.insideShare > 0)
  }

  @Test("the middle of a patch is the pixel itself, with its wavelengths where bands remain")
  func middle() throws {
    var options = potsdam(Self.stratified)
    options.image.reduction = .bands([.index(0), .index(100), .index(217)])
    options.image.isStandardizedByPatch = false
    let data = try SceneData(options, seed: 1)
    let samples = try #require(data.patches(.test, augmented: false))
    let cube = try SceneArray(
      path: options.root + "/EnMAP_Potsdam.mat", variable: "enmap_potsdam", role: .cube(key: "k"))
    let pixels = try #require(data.partition.parts[.test])
    for index in stride(from: 0, to: samples.count, by: 97) {
      #expect(samples.identifier(index) == "\(pixels[index] / 192),\(pixels[index] % 192)")
      let sample = try samples.sample(index, epoch: 0)
      let patch = try #require(sample["image"]).elements(as: Float.self)
      for (place, band) in [0, 100, 217].enumerated() {
        let stored = cube.values[band * 160 * 192 + pixels[index]]
        #expect(patch[place * 81 + 40] == stored * Float(1e-4))
      }
      let centers = try #require(sample["image.wavelengths"]).elements(as: Float.self)
      #expect(centers.count == 3 && centers[0] < centers[1] && centers[1] < centers[2])
    }
  }

  @Test("components come from the training pixels alone, or from what the recipe says")
  func fits() throws {
    func first(_ fit: Recipes.Reduction.Fit) throws -> [Float] {
      var options = potsdam(Self.stratified)
      options.image.reduction = .components(5, whitens: false, fit: fit)
      let samples = try #require(try SceneData(options, seed: 1).patches(.train, augmented: false))
      return try #require(try samples.sample(0, epoch: 0)["image"]).elements(as: Float.self)
    }
    let train = try first(.train)
    #expect(try first(.labelled) != train)
    #expect(try first(.all) != train)
    #expect(try first(.train) == train)
  }

  @Test("blocks are the units of a block split, and nothing leaks") func blocks() throws {
    let split = SceneSplit(.spatialBlocks(fractions: [0.5, 0.2, 0.3], side: 18), seed: 2)
    let data = try SceneData(potsdam(split), seed: 1)
    #expect(data.partition.touchingShare == 0)
    let samples = try #require(data.patches(.test, augmented: false))
    let units = Set((0..<samples.count).map { samples.unit($0) })
    #expect(units.count > 1 && units.count < samples.count / 2)
  }

  @Test("what does not fit is refused with the key") func refusals() {
    var swapped = potsdam(Self.stratified)
    swapped.image.noData = nil
    swapped.target.classNames = ["one", "two"]
    var leaking = Self.stratified
    leaking.maximumLeak = 0.1
    var mapped = potsdam(Self.stratified)
    mapped.target.classOfValue = ["1": 0, "2": 1]
    var other = potsdam(Self.stratified)
    other.target.source = .init(path: "../ground_truth_only/Salinas_gt.mat")
    for (options, key) in [
      (swapped, "class_names"), (potsdam(leaking), "max_leak"), (mapped, "label_map"),
      (other, "data.target"),
    ] {
      let error = #expect(throws: DataError.self) { try SceneData(options, seed: 1) }
      #expect(error?.description.contains(key) == true, "\(String(describing: error))")
    }
  }

  @Test("values that are not in sequence get classes by a table") func values() throws {
    let folder = "fixtures/lola-specvit/scene-formats/"
    let image = try SceneArray(
      path: Shared.path(folder + "v73.mat"), variable: "gt", role: .labels(key: "k"))
    var target = SceneOptions.Target(source: .init(path: ""))
    let plain = try SceneLabels(image, target)
    #expect(plain.classes == image.values.map { Int($0) - 1 })
    #expect(plain.classNames == ["1", "2", "3"])
    // With 1 as background, 0, 2 and 3 remain.
    target.unlabelled = 1
    let table = try SceneLabels(image, target)
    #expect(table.classNames == ["0", "2", "3"])
    #expect(table.classes == image.values.map { $0 == 1 ? -1 : $0 == 0 ? 0 : Int($0) - 1 })
    target.unlabelled = 0
    target.classOfValue = ["1": 1, "3": 0]
    target.unmapped = .ignore
    target.classNames = ["c", "a"]
    let mapped = try SceneLabels(image, target)
    #expect(mapped.classes == image.values.map { $0 == 1 ? 1 : $0 == 3 ? 0 : -1 })
  }
}
