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
  let image: SceneImage
  private let seed: UInt64

  /// Opens the files, splits, and prepares the cube by the training pixels.
  ///
  /// - Throws: `DataError`, or `FormatError` for an unreadable file.
  package init(_ options: SceneOptions, seed: UInt64) throws {
    self.options = options
    self.seed = seed
    let cube = try SceneArray(
      path: options.path(options.image.source), variable: options.image.source.variable,
      role: .cube(key: "data.inputs.\(options.image.name).variable"))
    let labelImage = try options.labelImage(options.target.source, "data.target", like: cube)
    let found = try SceneLabels(labelImage, options.target)
    let isMissing = try SceneImage.missing(cube, options.image)
    labels = found.without(isMissing)
    missingLabelledCount = found.labelled.count - labels.labelled.count
    partition = try options.sceneSplit(like: cube).partition(labels, patch: options.patch)
    image = try SceneImage(
      cube, options.image, isMissing: isMissing, training: partition.parts[.train] ?? [],
      labelled: labels.labelled, wavelengths: options.wavelengths(of: cube))
  }

  /// Samples of a part; nil where it is empty.
  ///
  /// `augmented` says whether random transforms are applied.
  package func patches(_ part: SplitPart, augmented: Bool) -> SceneSamples? {
    guard let pixels = partition.parts[part], !pixels.isEmpty else { return nil }
    return SceneSamples(
      options: options, labels: labels, image: image, pixels: pixels,
      patches: ScenePatches(of: image.values, side: options.patch, padding: options.padding),
      transforms: augmented ? options.transforms : [], seed: seed)
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

extension SceneOptions {
  func path(_ source: Source) -> String {
    source.path.hasPrefix("/") ? source.path : root + "/" + source.path
  }

  /// A label image of the cube's size.
  func labelImage(_ source: Source, _ key: String, like cube: SceneArray) throws -> SceneArray {
    let image = try SceneArray(
      path: path(source), variable: source.variable, role: .labels(key: key + ".variable"))
    guard image.width == cube.width, image.height == cube.height else {
      let isTurned = image.width == cube.height && image.height == cube.width
      throw DataError.optionInvalid(
        key: key, found: "an image of \(image.height)×\(image.width)",
        expected: "the \(cube.height)×\(cube.width) of \(cube.path)"
          + (isTurned ? "; rows and columns are exchanged, turn one of the files" : ""))
    }
    return image
  }

  func sceneSplit(like cube: SceneArray) throws -> SceneSplit {
    switch split {
    case .computed(let split): return split
    case .masks(let sources, let share, var split):
      var masks: [SplitPart: [Bool]] = [:]
      for (part, source) in sources {
        masks[part] = try labelImage(source, "data.split.\(part)", like: cube).values
          .map { $0 != 0 }
      }
      split.method = .masks(masks, validationShare: share)
      return split
    }
  }

  /// Band centers in nanometers: the recipe's, else the file's.
  ///
  /// - Throws: `DataError.optionInvalid` where there is not one for each band.
  func wavelengths(of cube: SceneArray) throws -> [Double]? {
    let centers: [Double]
    switch image.wavelengths {
    case .values(let values): centers = values
    case .linear(from: let first, to: let last):
      let steps = Double(max(1, cube.bands.count - 1))
      return cube.bands.indices.map { first + (last - first) * Double($0) / steps }
    case .variable(let name): centers = try SceneArray.vector(path: cube.path, variable: name)
    case .file(let file):
      let text = try String(contentsOfFile: path(Source(path: file)), encoding: .utf8)
      centers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    case nil: return cube.wavelengths
    }
    guard centers.count == cube.bands.count, centers.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw DataError.optionInvalid(
        key: "data.inputs.\(image.name).wavelengths", found: "\(centers.count) numbers",
        expected: "a positive one for each of the \(cube.bands.count) bands")
    }
    // Below 100 they are micrometers.
    return centers.allSatisfy { $0 < 100 } ? centers.map { 1000 * $0 } : centers
  }
}
