import Foundation
import Recipes
import Reports
import Testing

@Suite struct SpectraSectionTests {
  private func run(classes: Int, wavelengths: [Double]?) -> RunDocument {
    var run = SyntheticRuns.segmentation(scenes: [[[30, 10, 0], [1, 40, 0], [0, 3, 20]]])
    run.record.data.spectra = RunRecord.Data.Spectra(
      bands: ["a", "b", "c"], wavelengths: wavelengths, unit: "reflectance",
      classes: (0..<classes).map { number in
        let level = Double(number)
        return RunRecord.Data.Spectrum(
          name: "class \(number)", count: 10 * number + 5, means: [level, level + 1, level],
          standardDeviations: [0.1, 0.1, 0.1])
      })
    return run
  }

  @Test("a line for each class over wavelengths, the most frequent first")
  func lines() throws {
    let section = try Report(run(classes: 3, wavelengths: [450, 550, 650]))
      .section("Spectra of the classes")
    let figure = try #require(section.figures.first)
    #expect(
      figure.alternative
        == "Mean spectra of the training pixels: class 2 (25), class 1 (15), class 0 (5)")
    #expect(figure.svg.contains("wavelength (nm)") && figure.svg.contains("mean (reflectance)"))
    #expect(figure.svg.components(separatedBy: "<polyline").count - 1 >= 3)
  }

  @Test("bands are counted from 1 without wavelengths, and rare classes are named as left out")
  func many() throws {
    let section = try Report(run(classes: 15, wavelengths: nil)).section("Spectra of the classes")
    let figure = try #require(section.figures.first)
    #expect(figure.svg.contains(">band<"))
    #expect(figure.alternative.hasSuffix("and 3 classes of fewer pixels that are not drawn"))
  }

  @Test("data without spectra have no section")
  func absent() {
    let run = SyntheticRuns.segmentation(scenes: [[[30, 10, 0], [1, 40, 0], [0, 3, 20]]])
    #expect(!Report(run).sections.map(\.title).contains("Spectra of the classes"))
  }
}
