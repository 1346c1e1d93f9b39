extension RunRecord.Data {
  /// Mean spectra of the training pixels of a scene, class by class.
  package struct Spectra: Codable, Sendable, Equatable {
    /// Names of the bands; values of a class are in their order.
    package var bands: [String]
    /// Centers in nanometers; nil where the file does not have all of them.
    package var wavelengths: [Double]?
    /// Of the values, after scale and offset; empty where the recipe gives none.
    package var unit: String
    package var classes: [Spectrum]

    package init(bands: [String], wavelengths: [Double]?, unit: String, classes: [Spectrum]) {
      self.bands = bands
      self.wavelengths = wavelengths
      self.unit = unit
      self.classes = classes
    }
  }

  /// The spectrum of a class.
  package struct Spectrum: Codable, Sendable, Equatable {
    package var name: String
    /// Pixels that it is the mean of.
    package var count: Int
    package var means: [Double]
    package var standardDeviations: [Double]

    package init(name: String, count: Int, means: [Double], standardDeviations: [Double]) {
      self.name = name
      self.count = count
      self.means = means
      self.standardDeviations = standardDeviations
    }
  }
}
