/// How spectra were shortened when a model was trained, with the numbers that repeat it exactly; part
/// of `contract.json`.
package enum SpectralReduction: Codable, Sendable, Equatable {
  case components(PrincipalComponents)
  /// Numbers of the bands that remain, from 0.
  case bands([Int])

  private enum Method: String, Codable { case pca, select }
  private enum CodingKeys: String, CodingKey { case method, bands }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self =
      switch try values.decode(Method.self, forKey: .method) {
      case .pca: .components(try PrincipalComponents(from: decoder))
      case .select: .bands(try values.decode([Int].self, forKey: .bands))
      }
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .components(let components):
      try values.encode(Method.pca, forKey: .method)
      try components.encode(to: encoder)
    case .bands(let numbers):
      try values.encode(Method.select, forKey: .method)
      try values.encode(numbers, forKey: .bands)
    }
  }

  /// Channels `[channel, pixel]` of spectra `[band, pixel]`.
  func applied(to values: [Float], pixels: Int) -> [Float] {
    switch self {
    case .components(let components): components.scores(values)
    case .bands(let numbers):
      numbers.flatMap { values[($0 * pixels)..<(($0 + 1) * pixels)] }
    }
  }

  /// Names of the channels that remain of bands of these names.
  func names(of bands: [String]) -> [String] {
    switch self {
    case .components(let components):
      components.directions.indices.map { "component \($0 + 1)" }
    case .bands(let numbers): numbers.map { bands[$0] }
    }
  }

  /// Band centers of what remains; nil for components, which have none.
  func wavelengths(of centers: [Double]) -> [Double]? {
    switch self {
    case .components: nil
    case .bands(let numbers): numbers.map { centers[$0] }
    }
  }
}
