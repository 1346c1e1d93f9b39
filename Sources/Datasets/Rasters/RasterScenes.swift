import Formats
import Foundation
import Recipes
import Tensors

/// The scenes of a recipe's files, opened and compared, and what was left out.
struct RasterScenes: Sendable {
  let scenes: [RasterScene]
  /// Samples that are absent by the data set's own rules, or that `on_bad: skip` left out.
  let skipped: [RunRecord.Data.Skipped]

  /// Finds, opens and compares the files of all samples.
  ///
  /// Parts are given before bad samples are left out, so that leaving one out moves no other.
  ///
  /// - Throws: `DataError` where files are missing, have no partner, or differ where they may not;
  ///   `FormatError` for an unreadable one; with `on_bad: skip` only when more than the recipe allows
  ///   are bad.
  init(_ options: RasterOptions) throws {
    let candidates = try options.split.parted(options.catalog.candidates(options))
    var skipped: [RunRecord.Data.Skipped] = []
    var bad: [RunRecord.Data.Skipped] = []
    var complete: [RasterCandidate] = []
    for candidate in candidates {
      switch candidate.absence {
      case nil: complete.append(candidate)
      case (let reason, true)?:
        skipped.append(.init(sample: candidate.identifier, reason: reason))
      case (let reason, false)?:
        bad.append(.init(sample: candidate.identifier, reason: reason))
      }
    }
    if let first = bad.first, !options.badSamples.skips {
      throw DataError.sampleIncomplete(
        identifier: first.sample, reason: first.reason, count: bad.count)
    }
    let whole = complete
    let opened = try concurrentMap(whole.count) { number -> Result<RasterScene, any Error> in
      Result { try RasterScene(whole[number], options) }
    }
    var scenes: [RasterScene] = []
    var unopened: [any Error] = []
    for (candidate, result) in zip(whole, opened) {
      switch result {
      case .success(let scene): scenes.append(scene)
      case .failure(let error):
        guard error.isOfOneSample else { throw error }
        unopened.append(error)
        bad.append(.init(sample: candidate.identifier, reason: "\(error)"))
      }
    }
    if !options.badSamples.skips, let first = unopened.first {
      guard unopened.count > 1 else { throw first }
      throw BadSamples(unopened.map { "\($0)" })
    }
    if let first = scenes.first {
      for scene in scenes { try scene.requireAgreement(with: first, options) }
    }
    if scenes.reduce(0, { $0 + $1.byteCount }) <= options.keptByteCount {
      scenes = scenes.map(\.keptInMemory)
    }
    if options.badSamples.skips || options.inputs.contains(where: \.skipsConstantBands) {
      let defects = try scenes.defects(options)
      let names = Set(defects.map(\.sample))
      scenes.removeAll { names.contains($0.identifier) }
      bad += defects
    }
    if !options.badSamples.skips, let first = bad.first {
      throw DataError.sampleIncomplete(
        identifier: first.sample, reason: first.reason, count: bad.count)
    }
    try options.badSamples.require(bad, of: candidates.count)
    guard !scenes.isEmpty else {
      throw DataError.optionInvalid(
        key: "data.inputs", found: "no sample with files of all inputs",
        expected: skipped.first.map { "at least one; \($0.sample): \($0.reason)" }
          ?? "at least one")
    }
    self.scenes = scenes
    self.skipped = skipped + bad
  }
}

extension RasterCandidate {
  /// Why no sample can be made of it, and whether the data set's own rules let it be so.
  fileprivate var absence: (reason: String, isNormal: Bool)? {
    var found: (reason: String, isNormal: Bool)?
    for case .absent(let reason, let isNormal) in places where found?.isNormal ?? true {
      found = (reason, isNormal)
    }
    return found
  }
}

extension [RasterScene] {
  /// Those that are of no use, and why.
  ///
  /// - Throws: what is wrong with the recipe or with all samples.
  func defects(_ options: RasterOptions) throws -> [RunRecord.Data.Skipped] {
    let reasons = try concurrentMap(count) { try self[$0].defect(options) }
    return zip(self, reasons).compactMap { scene, reason in
      reason.map { .init(sample: scene.identifier, reason: $0) }
    }
  }
}

extension RasterScene {
  /// Why the scene is of no use: a file that cannot be read to its end, an input without any valid value,
  /// a band that is constant where such are to be left out; nil where it is sound.
  ///
  /// - Throws: what is wrong with the recipe or with all samples.
  fileprivate func defect(_ options: RasterOptions) throws -> String? {
    do {
      for (layer, input) in zip(layers, options.inputs) {
        let raw = RasterScaling(input, like: layer, statistics: nil)
        let bands = try raw.validValues(of: layer, in: layer.fileWindow(whole))
        if bands.allSatisfy(\.isEmpty) { return "\(layer.file.path): no valid value" }
        guard input.skipsConstantBands else { continue }
        for (name, values) in zip(layer.names, bands) {
          var moments = Moments()
          values.withUnsafeBufferPointer { moments.add($0) }
          if !(moments.standardDeviation > Self.leastDeviation) {
            return "\(layer.file.path): band '\(name)' is constant"
          }
        }
      }
      guard let target else { return nil }
      let window = RasterFile.Window(
        column: 0, row: 0, width: target.file.width, height: target.file.height)
      _ = try target.file.read(bands: target.bands, in: window)
      return nil
    } catch  where error.isOfOneSample {
      return "\(error)"
    }
  }

  /// A band that varies less counts as constant, as in M3LEO's reference.
  private static let leastDeviation = 1e-7
}

extension RasterSplit {
  /// The same candidates with the part that the method gives before any is opened.
  fileprivate func parted(_ candidates: [RasterCandidate]) throws -> [RasterCandidate] {
    var result = candidates
    switch method {
    case .random(let fractions):
      guard candidates.count > 1 else {
        throw DataError.optionInvalid(
          key: "data.split.method", found: "random over one scene",
          expected: "spatial_block, which splits inside a scene")
      }
      for (number, part) in try shuffled(candidates.count, fractions).enumerated() {
        result[number].part = part
      }
    case .files(let files):
      for number in result.indices { result[number].part = nil }
      let named = candidates.map { $0.part ?? .train }
      for (part, units) in try files.parts(named) {
        for unit in units { result[unit].part = part }
      }
    case .column, .spatialBlocks, .stratified, .perClass: break
    }
    return result
  }
}
