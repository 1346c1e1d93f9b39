import Foundation
import Formats
import Tensors

/// Looks at cubes of spectra and label images: MATLAB files, HDF5, ENVI.
enum SceneCheck: DataChecker {
  static let formats = [SceneFormat.name]

  /// What one array is.
  fileprivate struct Summary: Codable, Sendable {
    var file: String
    /// Empty for rasters.
    var variable: String
    /// Rows, columns, bands; rows, columns for labels.
    var shape: [Int]
    var minimum: Float
    var maximum: Float
    /// Nanometers of the first and the last band, where the file says.
    var wavelengths: [Double]
    /// Pixels of each stored value; empty for cubes.
    var labels: [String: Int]
  }

  private static let suffixes = ["mat", "h5", "he5", "hdf5", "nc", "hdr"]

  static func fits(_ path: String) -> Bool { !files(path).isEmpty }

  static func check(_ path: String, format: String?) throws -> DataCheck {
    var contents: [DataCheck.Content] = []
    var problems: [DataProblem] = []
    for file in files(path) {
      do {
        for array in try arrays(in: file) {
          let (summary, found) = look(at: array, file)
          contents.append(.init(summary, facts: summary.facts))
          problems += found
        }
      } catch {
        let name = (file as NSString).lastPathComponent
        problems.append(.init(.unreadable, .error, file: file, id: name, "\(error)"))
      }
    }
    guard !contents.isEmpty || !problems.isEmpty else {
      throw DataError.noFiles(pattern: path, suffixes: suffixes, available: [])
    }
    return DataCheck(
      path: path, format: SceneFormat.name, contents: contents, problems: problems)
  }

  /// Every cube and every label image of a file.
  private static func arrays(in path: String) throws -> [SceneArray] {
    func read(_ variable: String?, _ rank: Int) throws -> SceneArray {
      try SceneArray(
        path: path, variable: variable,
        role: rank == 3 ? .cube(key: "variable") : .labels(key: "variable"))
    }
    if case .v5 = try MATVersion.ofFile(path) {
      let images = try MATFile(path: path).variables.filter { variable in
        (2...3).contains(variable.shape.count) && variable.shape.allSatisfy { $0 > 1 }
      }
      return images.compactMap { variable in
        // Tables beside the images are no images of labels.
        try? read(variable.name, variable.shape.count)
      }
    }
    do {
      return [try read(nil, 3)]
    } catch let error as DataError {
      guard let labels = try? read(nil, 2) else { throw error }
      return [labels]
    }
  }

  private static func look(
    at array: SceneArray, _ path: String
  ) -> (Summary, [DataProblem]) {
    let pixels = array.width * array.height
    let isCube = array.bands.count > 1
    var problems: [DataProblem] = []
    func report(_ kind: DataProblem.Kind, _ severity: DataProblem.Severity, _ text: String) {
      problems.append(
        .init(kind, severity, file: path, id: array.variable ?? "", component: "", text))
    }
    var (minimum, maximum, valid) = (Float.infinity, -Float.infinity, 0)
    var labels: [String: Int] = [:]
    let marker = array.noData.map { Float($0) }
    array.values.withUnsafeBufferPointer { values in
      for number in array.bands.indices {
        var band = BandCheck.Band()
        band.add(
          UnsafeBufferPointer(rebasing: values[(number * pixels)..<((number + 1) * pixels)]),
          marker: marker)
        minimum = min(minimum, band.minimum)
        maximum = max(maximum, band.maximum)
        valid += band.valid
        let name = array.bands[number].isEmpty ? "band \(number)" : array.bands[number]
        if band.strays > 0 {
          report(
            .notFinite, .error,
            "\(band.strays) values of \(name) are NaN or infinite and no marker says so")
        }
        if isCube, band.isConstant {
          report(.constantBand, .warning, "\(name) is \(band.minimum) throughout")
        }
      }
      if !isCube {
        for value in values where value.isFinite {
          labels[Int(exactly: value).map(String.init) ?? "\(value)", default: 0] += 1
        }
      }
    }
    if valid == 0 { report(.noData, .error, "no valid value") }
    if let count = array.wavelengths?.count, count != array.bands.count {
      report(.layout, .warning, "\(count) wavelengths for \(array.bands.count) bands")
    }
    // Scenes are wider and higher than their spectra are long, but for swapped axes.
    if isCube, array.bands.count > max(array.width, array.height), array.wavelengths == nil {
      report(
        .layout, .warning,
        "\(array.height)×\(array.width) pixels of \(array.bands.count) bands: axes may be swapped; "
          + "expected rows, columns, bands")
    }
    let shape = [array.height, array.width] + (isCube ? [array.bands.count] : [])
    return (
      Summary(
        file: path, variable: array.variable ?? "", shape: shape, minimum: minimum,
        maximum: maximum,
        wavelengths: array.wavelengths.map { [$0.first ?? 0, $0.last ?? 0] } ?? [],
        labels: labels.count <= 1000 ? labels : [:]),
      problems
    )
  }

  private static func files(_ path: String) -> [String] {
    let found = try? FileSearch.files(
      path, root: FileManager.default.currentDirectoryPath, suffixes: suffixes)
    return (found ?? []).compactMap { file in
      guard suffixes.contains(where: { file.hasSuffix("." + $0) }) else { return nil }
      guard file.hasSuffix(".hdr") else { return file }
      let base = String(file.dropLast(4))
      return ["", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw"].map { base + $0 }
        .first { FileManager.default.fileExists(atPath: $0) }
    }
  }
}

extension SceneCheck.Summary {
  /// What people read.
  fileprivate var facts: [(name: String, value: String)] {
    var facts: [(String, String)] = [
      ("file", file), ("variable", variable.isEmpty ? "the raster" : variable),
      ("shape", shape.map(String.init).joined(separator: "×")),
    ]
    if labels.isEmpty {
      facts.append(("values", "\(minimum) to \(maximum)"))
    } else {
      let counts = labels.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }
      facts.append(("labels", counts.map { "\($0.key): \($0.value)" }.joined(separator: ", ")))
    }
    if let first = wavelengths.first, let last = wavelengths.last {
      facts.append(("wavelengths", "\(Float(first)) to \(Float(last)) nm"))
    }
    return facts
  }
}
