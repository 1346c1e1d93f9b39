import Formats
import Foundation
import Recipes
import Tensors

/// One scene, opened, labelled, split by pixels and prepared: a sample is a patch around a labelled
/// pixel.
package struct SceneData: Sendable {
  package let options: SceneOptions
  package let labels: SceneLabels
  package let partition: ScenePartition
  /// Pixels that have a class but no values.
  package let missingLabelledCount: Int
  /// Labelled pixels that `on_bad: skip` left out.
  let skipped: [RunRecord.Data.Skipped]
  let image: SceneImage
  /// What a model trained on these data expects.
  let imageContract: ImageContract
  /// Of places, stored spectra and classes of the test pixels; empty without any.
  let digestOfTest: String
  /// Of the training pixels, by class.
  let spectra: RunRecord.Data.Spectra
  private let seed: UInt64

  /// Opens the files, splits, and prepares the cube by the training pixels.
  ///
  /// - Throws: `DataError`, or `FormatError` for an unreadable file.
  package init(_ options: SceneOptions, seed: UInt64) throws {
    self.options = options
    self.seed = seed
    let cube = try options.cube(options.path(options.image.source))
    let labelImage = try options.labelImage(options.target.source, "data.target", like: cube)
    let found = try SceneLabels(labelImage, options.target)
    let (isMissing, strays) = try SceneImage.missing(
      cube, options.image, toleratesStrays: options.badSamples.skips)
    labels = found.without(isMissing)
    let bad = found.labelled.filter { strays.contains($0) }
    skipped = bad.map { pixel in
      .init(
        sample: "row \(pixel / cube.width), column \(pixel % cube.width)",
        reason: "\(cube.path): NaN or infinity that is no marker of missing values")
    }
    try options.badSamples.require(skipped, of: found.labelled.count)
    missingLabelledCount = found.labelled.count - labels.labelled.count - bad.count
    partition = try options.sceneSplit(like: cube).partition(labels, patch: options.patch)
    image = try SceneImage(
      cube, options.image, isMissing: isMissing, training: partition.parts[.train] ?? [],
      labelled: labels.labelled)
    imageContract = ImageContract(cube, image, options)
    digestOfTest = Self.digest(of: partition.parts[.test] ?? [], cube, labels)
    spectra = RunRecord.Data.Spectra(
      cube, options.image, labels, pixels: partition.parts[.train] ?? [])
  }

  private static func digest(
    of pixels: [Int], _ cube: SceneArray, _ labels: SceneLabels
  ) -> String {
    guard !pixels.isEmpty else { return "" }
    let size = cube.width * cube.height
    let lines = pixels.map { pixel in
      let spectrum = cube.bands.indices.map { cube.values[$0 * size + pixel] }
      let values = spectrum.withUnsafeBufferPointer { SHA256Digest.of(Data(buffer: $0)) }
      return "\(pixel / cube.width),\(pixel % cube.width) \(values) \(labels.classes[pixel])"
    }
    return SHA256Digest.of(lines.joined(separator: "\n"))
  }

  /// Samples of a part; nil where it is empty.
  ///
  /// `augmented` says whether random transforms are applied.
  package func patches(_ part: SplitPart, augmented: Bool) -> SceneSamples? {
    guard let pixels = partition.parts[part], !pixels.isEmpty else { return nil }
    return SceneSamples(
      options: options, labels: labels, image: image, pixels: pixels,
      patches: ScenePatches(of: image.values, side: options.patch, padding: options.padding),
      transforms: options.transforms.applied(augmented: augmented), seed: seed)
  }

  /// What the record says of the split and of pixels left out.
  package var notes: [String] {
    var notes = partition.notes
    if missingLabelledCount > 0 {
      notes.append("\(missingLabelledCount) labelled pixels have no values and are left out.")
    }
    for part in [SplitPart.val, .test] {
      guard let counts = partition.counts[part] else { continue }
      let absent = counts.indices.filter { counts[$0] == 0 }.map { labels.classNames[$0] }
      if !absent.isEmpty {
        notes.append("No pixel of class \(absent.joined(separator: ", ")) is in the part \(part).")
      }
    }
    return notes
  }
}
