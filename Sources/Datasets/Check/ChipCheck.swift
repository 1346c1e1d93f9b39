import Foundation
import Recipes
import Tensors
import Formats

/// What one chip of M3LEO holds and what is wrong with it.
struct ChipCheck: Sendable {
  let chip: String
  let file: String
  let component: M3LEOComponent
  private(set) var isReadable = false
  private(set) var width = 0
  private(set) var height = 0
  private(set) var system = ""
  /// Of the values.
  private(set) var digest = ""
  private(set) var problems: [DataProblem] = []

  /// Share of missing values above which a chip is reported.
  static let largestMissing = 0.05

  init(
    _ path: String, chip: String, _ component: M3LEOComponent, root: String, _ shelf: ShardShelf
  ) {
    self.chip = chip
    self.component = component
    file = FileSearch.label(of: path, root: root)
    do {
      let pixels = try component.open(shelf.chip(at: path, of: component))
      (width, height) = (pixels.width, pixels.height)
      system = pixels.geoReference.systemName
      let values = try pixels.read(bands: Array(pixels.bands.indices), in: pixels.whole)
        .elements(as: Float.self)
      digest = values.withUnsafeBufferPointer { SHA256Digest.of(Data(buffer: $0)) }
      isReadable = true
      look(at: pixels, values)
    } catch {
      problems.append(problem(.unreadable, .error, "\(error)"))
    }
  }

  func problem(
    _ kind: DataProblem.Kind, _ severity: DataProblem.Severity, _ message: String
  ) -> DataProblem {
    .init(kind, severity, file: file, id: chip, component: component.folder, message)
  }

  private mutating func look(at file: PixelFile, _ values: [Float]) {
    let count = file.width * file.height
    if let expected = component.expectedBands, Set(expected) != Set(file.bands) {
      let absent = expected.filter { !file.bands.contains($0) }
      let foreign = file.bands.filter { !expected.contains($0) }
      problems.append(
        problem(
          .bandsDiffer, absent.isEmpty ? .warning : .error,
          "bands absent: \(absent.joined(separator: ", ")); not known: "
            + foreign.joined(separator: ", ")))
    }
    if component.kind == .esaworldcover { return lookAtClasses(values, file) }
    let marker = component.noData.map { Float($0) }
    func isMissing(_ place: Int) -> Bool { values[place].isNaN || values[place] == marker }
    var constant: Set<Int> = []
    for band in file.bands.indices where component.isRadar {
      let plane = values[(band * count)..<((band + 1) * count)]
      if plane.allSatisfy({ $0 == plane.first || $0.isNaN }) { constant.insert(band) }
    }
    if !constant.isEmpty {
      let names = constant.sorted().map { file.bands[$0] }
      problems.append(
        problem(
          .constantBand, .warning, "the same everywhere: \(names.joined(separator: ", "))"))
    }
    if component.kind == .biomass {
      let unknown = values.prefix(count).count { $0.isNaN }
      if unknown > 0 {
        problems.append(
          problem(
            .noData, unknown == count ? .error : .warning,
            "\(unknown) of \(count) pixels have no value"))
      }
      return
    }
    // A pixel lacks a value where it lacks all of a group.
    var (missing, all) = (0, 0)
    for group in component.groups(of: file.bands) {
      let bands = group.filter { !constant.contains($0) }
      guard !bands.isEmpty else { continue }
      let lacking = (0..<count).count { pixel in
        bands.allSatisfy { isMissing($0 * count + pixel) }
      }
      missing += lacking * bands.count
      all += count * bands.count
    }
    let share = all > 0 ? Double(missing) / Double(all) : 0
    if share >= Self.largestMissing {
      problems.append(
        problem(
          .noData, share == 1 ? .error : .warning,
          String(format: "%.1f %% of the values are missing", 100 * share)))
    }
  }

  /// Codes that are none of the classes.
  private mutating func lookAtClasses(_ values: [Float], _ file: PixelFile) {
    var foreign: [Int: Int] = [:]
    var unlabelled = 0
    for value in values where !Self.classes.contains(value) {
      if value == 0 || value.isNaN {
        unlabelled += 1
      } else {
        foreign[Int(value), default: 0] += 1
      }
    }
    if unlabelled > 0 {
      problems.append(
        problem(.unlabelled, .warning, "\(unlabelled) of \(values.count) pixels have no class"))
    }
    if !foreign.isEmpty {
      let counts = foreign.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value) pixels)" }
      problems.append(
        problem(.labelUnknown, .error, "codes of no class: \(counts.joined(separator: ", "))"))
    }
  }

  /// Codes of ESA WorldCover.
  private static let classes: Set<Float> = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100]
}

extension M3LEOComponent {
  /// Whether bands are radar measurements, whose lack is a constant.
  fileprivate var isRadar: Bool { kind == .s1grd || kind == .s1grdm }

  /// Whether values are measured, so that no two chips are alike.
  var isSensor: Bool {
    switch kind {
    case .s1grd, .s1grdm, .s2rgbm, .s2rgb, .s2srm, .gssic, .gunw: true
    default: false
    }
  }

  /// Bands of which a pixel lacks all or none.
  ///
  /// All that are measured at once, those of a month or season of optical pictures. Interferograms have no value where the ground changed, which is what they
  /// measure; the other components none that lacks.
  fileprivate func groups(of bands: [String]) -> [[Int]] {
    switch kind {
    case .s1grd, .s1grdm: [Array(bands.indices)]
    case .gssic: [bands.indices.filter { !bands[$0].hasPrefix("geometry") }]
    case .s2rgbm, .s2rgb, .s2srm:
      Dictionary(grouping: bands.indices) { bands[$0].split(separator: "_").first ?? "" }
        .values.sorted { $0[0] < $1[0] }
    case .gunw, .biomass, .esaworldcover, .modis44b006veg, .srtmdem, .firecci51, .ghsbuilts,
      .globalfloods, .lcci:
      []
    }
  }
}
