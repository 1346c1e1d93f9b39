import Foundation
import Recipes

extension DataSection {
  /// The transforms that change one sample, without those that mix a batch.
  var singleTransforms: [Component] { transforms.filter { batchTransforms[$0.name] == nil } }

  /// Refuses fields that mean nothing for images, or that are not read yet.
  func refuseWhatImagesLack(_ diagnostics: Diagnostics) {
    let frames = "frames belong to PDE data"
    let notYet = "this is not offered for this format yet"
    let rules: [(Bool, String, String)] = [
      (inputSteps != 1, "n_steps_input", frames), (outputSteps != 1, "n_steps_output", frames),
      (windowStride != 1, "window_stride", frames),
      (reducedResolution != 1, "reduced_resolution", notYet),
      (reducedTimeResolution != 1, "reduced_resolution_t", frames),
      (reducedBatch != 1, "reduced_batch", notYet),
      (cache == .disk, "cache", notYet),
    ]
    for (applies, field, reason) in rules where applies {
      diagnostics.error(
        .rule(reason, mend: "remove it"), at: format.location, path: "data.\(field)")
    }
  }
}

extension InputSection {
  /// Means and deviations that the recipe gives; nil for `auto`, or where an error was left in
  /// `diagnostics`.
  func givenStatistics(
    for normalization: RasterNormalization, _ diagnostics: Diagnostics
  ) -> PDEDataOptions.GivenStatistics? {
    func refuse(_ reason: String, mend: String) {
      diagnostics.error(
        .rule(reason, mend: mend), at: location, path: "data.inputs.\(name).stats")
    }
    var given: PDEDataOptions.GivenStatistics?
    switch statistics {
    case .auto: return nil
    case .values(let means, let deviations): given = .init(means: means, stds: deviations)
    case .file(let file):
      do {
        given = try JSONDecoder().decode(
          PDEDataOptions.GivenStatistics.self, from: Data(contentsOf: URL(filePath: file)))
      } catch {
        refuse(
          "\(file) holds no statistics (\(error.localizedDescription))",
          mend: "give a JSON file {\"means\": […], \"stds\": […]}")
      }
    }
    if normalization == .minmax || normalization == .none {
      refuse(
        "\(normalization.rawValue) takes no means and deviations",
        mend: "leave stats out, or set normalize: zscore or two-sigma")
    }
    return given
  }
}

extension [BandReference] {
  /// Numbers of the bands among `names`, in the order asked for.
  ///
  /// - Throws: `DataError.bandMissing`.
  func numbers(
    among names: [String], input: String, path: String
  ) throws(DataError) -> [Int] {
    var numbers: [Int] = []
    for band in self {
      switch band {
      case .index(let index) where names.indices.contains(index): numbers.append(index)
      case .index(let index):
        throw .bandMissing(band: "\(index)", input: input, path: path, available: names)
      case .name(let name):
        guard let index = names.firstIndex(of: name) else {
          throw .bandMissing(band: name, input: input, path: path, available: names)
        }
        numbers.append(index)
      }
    }
    return numbers
  }
}
