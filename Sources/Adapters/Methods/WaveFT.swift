package import Formats
package import Layers
package import Recipes
import Tensors

/// Trained wavelet coefficients (WaveFT, arXiv 2505.12532, equation 4; as in PEFT 0.21.2, `WAVEFT`):
/// ΔW = scaling · (one level of the inverse wavelet transform of a sparse matrix).
///
/// `waveft_spectrum` is `[n]`, zero at first; places as in FourierFT. The sparse matrix is larger than
/// the weight by L − 2 on either axis (L the filter's length, made even) with the weight's entries in its
/// middle; its quadrants are the bands cA, cH (top right), cV (bottom left), cD, with the filters
/// low ⊗ low, high ⊗ low, low ⊗ high, high ⊗ high on rows ⊗ columns, steps of 2, and borders cut off.
/// A coefficient thus adds to L × L entries of the weight. `use_idwt: false` leaves the transform out.
package struct WaveFT: PEFTMethod {
  /// Wavelets whose filters are checked against PEFT's.
  package enum Family: String, Sendable, CaseIterable {
    case db1, db2

    /// Of the low-pass filter of reconstruction.
    var coefficients: [Double] {
      switch self {
      case .db1: [Double(0.5).squareRoot(), Double(0.5).squareRoot()]
      case .db2:
        [0.482962913144534, 0.836516303737808, 0.224143868042013, -0.129409522551260]
      }
    }
  }

  package static let name = "waveft"
  package static let summary = "update by few trained wavelet coefficients (WaveFT)"
  package static let options: OptionTable = [
    Option(
      "n_frequency", .integer, default: 2592, range: .atLeast(1), "Coefficients of each module."),
    Option("scaling", .number, default: 25, "Factor on the update."),
    Option("wavelet_family", .choice(Family.self), default: "db1", "The wavelet."),
    Option(
      "use_idwt", .boolean, default: true,
      "Whether coefficients are transformed; false makes them entries of the weight."),
    Option(
      "random_loc_seed", .integer, default: 777, range: .atLeast(0),
      "Seed of the coefficients' places."),
  ]
  package static let peftType = "WAVEFT"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let biasName = "waveft_only"

  package let fields: JSONObject
  private let count: Int
  private let scaling: Double
  private let family: Family?
  private let seed: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    count = options.int("n_frequency")
    scaling = options.number("scaling")
    let chosen = options.choice("wavelet_family", as: Family.self)
    family = options.bool("use_idwt") ? chosen : nil
    seed = options.int("random_loc_seed")
    fields = PEFTFields.object(
      options, PEFTFields.layers,
      [
        "fan_in_fan_out": false, "init_weights": true, "n_frequency_pattern": [:],
        "proportional_parameters": false,
      ])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (own, size) = (count(target), target.rows.count * target.inputs)
    guard own <= size else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "n_frequency \(own) is above the weight's \(size) entries. Lower it")
    }
    let places = SparsePositions.random(
      count: own, rows: target.rows.count, columns: target.inputs, seed: seed)
    return WaveletDelta(
      spectrum: target.parameter("waveft_spectrum", [own], .zeros),
      entries: Wavelets(places, target, family), scaling: scaling)
  }

  package func trainableCount(for target: AdapterTarget) -> Int { count(target) }

  /// A file's own number, which may be in proportion to the module's size.
  private func count(_ target: AdapterTarget) -> Int {
    target.stored["waveft_spectrum"]?.first ?? count
  }

  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var fields = wholeFields
    setPattern(
      "n_frequency", "n_frequency_pattern",
      adapter.modules.map { ($0.target.site.path, .integer(count($0.target))) }, &fields)
    return fields
  }
}

/// Entries of the weight that coefficients add to.
private struct Wavelets: Sendable {
  /// Number of the coefficient, and place in the weight, for every pair that meets.
  private(set) var coefficients: [Int32] = []
  private(set) var places: [Int] = []
  private(set) var factors: [Float] = []

  init(_ positions: [Int], _ target: AdapterTarget, _ family: WaveFT.Family?) {
    let (rows, columns) = (target.rows.count, target.inputs)
    let lines = Axis(size: rows, family)
    let across = Axis(size: columns, family)
    for (index, position) in positions.enumerated() {
      let (line, place) = (position / columns, position % columns)
      for row in lines.entries(line, isHigh: across.isLater(place)) {
        for column in across.entries(place, isHigh: lines.isLater(line)) {
          coefficients.append(Int32(index))
          places.append(row.place * columns + column.place)
          factors.append(Float(row.factor * column.factor))
        }
      }
    }
  }

  /// One axis of the transform.
  private struct Axis {
    let size: Int
    private let low: [Double]
    /// Of the sparse matrix.
    private let padded: Int

    init(size: Int, _ family: WaveFT.Family?) {
      self.size = size
      low = family?.coefficients ?? []
      let wanted = size + max(0, low.count - 2)
      padded = wanted + wanted % 2
    }

    /// Whether a row or column of the weight lies in the second half of the sparse matrix.
    func isLater(_ position: Int) -> Bool { position + (padded - size) / 2 >= padded / 2 }

    /// What a coefficient of this row or column adds to.
    ///
    /// The filter follows the other axis: the band right of cA, cH, is high along rows.
    func entries(_ position: Int, isHigh: Bool) -> [(place: Int, factor: Double)] {
      let length = low.count
      guard length > 0 else { return [(position, 1)] }
      let index = position + (padded - size) / 2
      let half = padded / 2
      let start = 2 * (index >= half ? index - half : index)
      let border = (2 * length - 3) / 2
      let kept = 2 * (half - 1) + length - 2 * border
      let shift = border + (kept - size) / 2
      return (0..<length).compactMap { tap in
        let place = start + tap - shift
        guard (0..<size).contains(place) else { return nil }
        let high = (tap % 2 == 0 ? 1.0 : -1.0) * low[length - 1 - tap]
        return (place, isHigh ? high : low[tap])
      }
    }
  }
}

private struct WaveletDelta: WeightDelta {
  let spectrum: Parameter
  let entries: Wavelets
  let scaling: Double

  var parameters: [Parameter] { [spectrum] }

  func delta(_ layer: SiteRows) -> Tensor {
    let values = spectrum().scaled(by: scaling)
    let count = entries.places.count
    let factors = Tensor(entries.factors, shape: [count]).cast(to: values.dtype)
    let parts =
      values.gathered(axis: 0, indices: Tensor(entries.coefficients, shape: [count])) * factors
    let shape = [layer.rows.count, layer.site.inputs]
    return parts.scattered(to: entries.places, count: shape[0] * shape[1]).reshaped(to: shape)
  }
}
