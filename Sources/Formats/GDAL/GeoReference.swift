/// Where the pixels of a raster lie on the ground, as files state it.
package struct GeoReference: Sendable, Equatable {
  /// A pixel whose place is known.
  package struct ControlPoint: Sendable, Equatable {
    package var identifier: String
    /// Position in the raster: pixels from the left and the upper edge.
    package var column: Double
    package var row: Double
    /// Position in the coordinate system.
    package var x: Double
    package var y: Double
    package var z: Double

    package init(
      identifier: String, column: Double, row: Double, x: Double, y: Double, z: Double
    ) {
      self.identifier = identifier
      self.column = column
      self.row = row
      self.x = x
      self.y = y
      self.z = z
    }
  }

  /// Coordinate system as well-known text of 2019 (ISO 19162); empty where the file names none.
  package var system = ""
  /// Six numbers `t`: the corner at `column`, `row` lies at x = t₀ + column · t₁ + row · t₂,
  /// y = t₃ + column · t₄ + row · t₅; nil where the file has none.
  package var transform: [Double]?
  /// Points in place of a transform, and their own coordinate system as well-known text.
  package var controlPoints: [ControlPoint] = []
  package var controlPointSystem = ""
  /// Rational polynomial coefficients by GDAL's names (`LINE_OFF`, `SAMP_NUM_COEFF`, …).
  package var rationalPolynomials: [String: String] = [:]
  /// Whether coordinates refer to pixel centers in the file (`AREA_OR_POINT=Point`).
  ///
  /// The transform here refers to corners all the same.
  package var refersToPixelCenters = false

  /// No statement about the ground.
  package init() {}

  /// Tells coordinate systems apart: authority and code where the system has one, such as `EPSG:4326`,
  /// else its text; empty for none.
  ///
  /// Texts of one system differ: a library may write a datum as an ensemble or as its newest member.
  package var systemIdentity: String {
    let pattern = #/ID\["([^"]+)",\s*"?([^\]"]+)"?\]\s*\]\s*$/#
    return system.firstMatch(of: pattern).map { "\($0.1):\($0.2)" } ?? system
  }

  /// What messages call the system.
  package var systemName: String {
    let identity = systemIdentity
    guard identity == system else { return identity }
    let parts = system.split(separator: "\"", maxSplits: 2)
    return parts.count > 1 ? String(parts[1]) : system.isEmpty ? "none" : system
  }

  /// The same for a raster of other pixels on the same ground, one of which spans so many of these.
  package func scaled(columns: Double, rows: Double) -> GeoReference {
    guard columns != 1 || rows != 1 else { return self }
    var result = self
    if let t = transform {
      result.transform = [t[0], t[1] * columns, t[2] * rows, t[3], t[4] * columns, t[5] * rows]
    }
    for index in controlPoints.indices {
      result.controlPoints[index].column /= columns
      result.controlPoints[index].row /= rows
    }
    // Rational polynomials hold factors of pixels that no longer fit.
    result.rationalPolynomials = [:]
    return result
  }

  /// The same for a raster that begins at a pixel inside.
  package func shifted(column: Int, row: Int) -> GeoReference {
    var result = self
    let (column, row) = (Double(column), Double(row))
    if let t = transform {
      result.transform?[0] = t[0] + column * t[1] + row * t[2]
      result.transform?[3] = t[3] + column * t[4] + row * t[5]
    }
    for index in controlPoints.indices {
      result.controlPoints[index].column -= column
      result.controlPoints[index].row -= row
    }
    for (key, distance) in [("SAMP_OFF", column), ("LINE_OFF", row)] {
      guard let text = rationalPolynomials[key], let value = Double(text) else { continue }
      result.rationalPolynomials[key] = "\(value - distance)"
    }
    return result
  }
}
