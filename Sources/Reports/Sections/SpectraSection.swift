internal import Recipes

extension RunSection {
  /// Mean spectra of the classes over the training pixels of a scene.
  static let spectra = RunSection(title: "Spectra of the classes") { run in
    guard let spectra = run.record.data.spectra, spectra.bands.count > 1, !spectra.classes.isEmpty
    else { return [] }
    let shown = spectra.classes.sorted { $0.count > $1.count }.prefix(mostShown)
    let places = spectra.wavelengths ?? spectra.bands.indices.map { Double($0 + 1) }
    let series = shown.map { spectrum in
      Chart.Series(
        name: spectrum.name, points: zip(places, spectrum.means).map { Chart.Point($0, $1) })
    }
    let quantity = spectra.unit.isEmpty ? "stored value" : "mean (\(spectra.unit))"
    let chart = Chart(
      x: spectra.wavelengths == nil ? "band" : "wavelength (nm)", y: quantity, .linear,
      series: Array(series))
    let rest = spectra.classes.count - shown.count
    let words =
      "Mean spectra of the training pixels: "
      + shown.map { "\($0.name) (\(Numbers.count($0.count)))" }.joined(separator: ", ")
      + (rest > 0 ? " and \(rest) classes of fewer pixels that are not drawn" : "")
    return [
      .figure(
        Figure(
          name: "spectra", svg: chart.svg(alternative: words), alternative: words,
          caption: words
            + ". In brackets: pixels. Before normalization and reduction; standard deviations stand in "
            + "record.json."))
    ]
  }

  /// Lines that can still be told apart.
  private static let mostShown = 12
}
