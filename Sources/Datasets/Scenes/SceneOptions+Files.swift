import Formats
import Foundation
import Recipes

extension SceneOptions {
  /// The cube of a file with the bands that the recipe selects and their centers.
  ///
  /// - Throws: `DataError`, or `FormatError` for an unreadable file.
  func cube(_ path: String) throws -> SceneArray {
    let role = SceneArray.Role.cube(key: "data.inputs.\(image.name).variable")
    let whole = try SceneArray(path: path, variable: variable(in: path), role: role)
    let cube = whole.named(wavelengths: try wavelengths(of: whole))
    guard let chosen = image.bands else { return cube }
    return cube.selecting(
      try chosen.numbers(among: cube.bands, input: image.name, path: path))
  }

  /// The recipe's variable; where a trained model meets a file without it, the only fitting one.
  private func variable(in path: String) throws -> String? {
    guard image.known != nil, let variable = image.source.variable else {
      return image.source.variable
    }
    return try SceneArray.holds(variable, path: path) ? variable : nil
  }

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

  /// Band centers in nanometers: the recipe's, else the file's, else those of the trained run.
  ///
  /// - Throws: `DataError.optionInvalid` where there is not one for each band of the file, or of the
  ///   selected ones in the recipe's own list.
  private func wavelengths(of cube: SceneArray) throws -> [Double]? {
    let count = cube.bands.count
    var centers: [Double]
    switch image.wavelengths {
    case .values(let values): centers = try unfolded(values, cube)
    case .linear(from: let first, to: let last):
      let steps = Double(max(1, count - 1))
      centers = cube.bands.indices.map { first + (last - first) * Double($0) / steps }
    case .variable(let name):
      if let known = image.known, try !SceneArray.holds(name, path: cube.path) {
        return try known.wavelengths.map { try unfolded($0, cube) }
      }
      centers = try SceneArray.vector(path: cube.path, variable: name)
    case .file(let file):
      let path = path(Source(path: file))
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
        throw FormatError.fileMissing(path: path)
      }
      centers = Self.centers(in: text)
    case nil: return cube.wavelengths
    }
    guard centers.count == count, centers.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw DataError.optionInvalid(
        key: "data.inputs.\(image.name).wavelengths", found: "\(centers.count) numbers",
        expected: "a positive one for each of the \(count) bands")
    }
    // Below 100 they are micrometers.
    if centers.allSatisfy({ $0 < 100 }) { centers = centers.map { 1000 * $0 } }
    return centers
  }

  /// The numbers of a text, or those that an ENVI header gives as `wavelength`.
  private static func centers(in text: String) -> [Double] {
    var list = Substring(text)
    if text.hasPrefix("ENVI") {
      let field = try? /\bwavelength\s*=\s*\{([^}]*)\}/.ignoresCase().firstMatch(in: text)
      list = field?.output.1 ?? ""
    }
    return list.split { $0.isWhitespace || $0 == "," }.compactMap { Double($0) }
  }

  /// Centers of the selected bands alone, at the places of these among all bands of the file; a
  /// list for all bands as it is.
  private func unfolded(_ centers: [Double], _ cube: SceneArray) throws -> [Double] {
    guard let chosen = image.bands, centers.count == chosen.count, centers.count != cube.bands.count
    else { return centers }
    let names = cube.named(wavelengths: nil).bands
    // Bands that are not selected drop out with whatever stands here.
    var all = [Double](repeating: centers[0], count: names.count)
    let numbers = try chosen.numbers(among: names, input: image.name, path: cube.path)
    for (number, center) in zip(numbers, centers) { all[number] = center }
    return all
  }
}
