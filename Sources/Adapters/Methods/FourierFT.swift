import Foundation
package import Formats
package import Layers
package import Recipes
import Tensors

/// Trained Fourier coefficients (arXiv 2405.03003, equation 3; as in PEFT 0.21.2, `FOURIERFT`):
/// ΔW = scaling · Re(F⁻¹(S)), S `[out, in]` zero but for n coefficients.
///
/// `fourierft_spectrum` is `[n]`, normal at first, so that the first output is not the frozen model's.
/// The places of the coefficients are the first n of PyTorch's `randperm(out · in)` from
/// `random_loc_seed`, the same for equal modules; F⁻¹ divides by out · in. A coefficient at (r, c) adds
/// cos 2π(r i/out + c j/in) = cos · cos − sin · sin, hence ΔW is a product of an `[out, 2n]` and a
/// `[2n, in]` matrix.
package struct FourierFT: PEFTMethod {
  package static let name = "fourierft"
  package static let summary = "update by few trained Fourier coefficients (FourierFT)"
  package static let options: OptionTable = [
    Option(
      "n_frequency", .integer, default: 1000, range: .atLeast(1), "Coefficients of each module."),
    Option("scaling", .number, default: 150, "Factor on the update."),
    Option(
      "random_loc_seed", .integer, default: 777, range: .atLeast(0),
      "Seed of the coefficients' places."),
  ]
  package static let peftType = "FOURIERFT"
  package static let capabilities: AdapterCapabilities = [.linear, .mergeable, .portable, .rows]
  package static let biasName = "fourierft_only"

  package let fields: JSONObject
  private let count: Int
  private let scaling: Double
  private let seed: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    count = options.int("n_frequency")
    scaling = options.number("scaling")
    seed = options.int("random_loc_seed")
    fields = PEFTFields.object(
      options, PEFTFields.layers,
      ["fan_in_fan_out": false, "init_weights": false, "n_frequency_pattern": [:]])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    var waves: [[Int]: (left: Tensor, right: Tensor)] = [:]
    var changes: [any SiteChange] = []
    for target in targets {
      let (rows, inputs) = (target.rows.count, target.inputs)
      let count = count(target)
      guard count <= rows * inputs else {
        throw .unsupported(
          module: target.site.path, method: Self.name,
          reason: "n_frequency \(count) is above the weight's \(rows * inputs) entries. Lower it")
      }
      let key = [count, rows, inputs]
      let (left, right) =
        waves[key]
        ?? {
          let places = SparsePositions.random(
            count: count, rows: rows, columns: inputs, seed: seed)
          return (
            Self.waves(places.map { $0 / inputs }, size: rows),
            Self.waves(places.map { $0 % inputs }, size: inputs)
          )
        }()
      waves[key] = (left, right)
      changes.append(
        FourierDelta(
          spectrum: target.parameter(
            "fourierft_spectrum", [count], .normal(standardDeviation: 1)), left: left, right: right,
          scaling: scaling / Double(rows * inputs)))
    }
    return changes
  }

  package func trainableCount(for target: AdapterTarget) -> Int { count(target) }

  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var fields = wholeFields
    setPattern(
      "n_frequency", "n_frequency_pattern",
      adapter.modules.map { ($0.target.site.path, .integer(count($0.target))) }, &fields)
    return fields
  }

  /// A file's own number, which patterns may set by module.
  private func count(_ target: AdapterTarget) -> Int {
    target.stored["fourierft_spectrum"]?.first ?? count
  }

  /// Cosines, then sines of 2π k i/size for every frequency k, `[2n, size]`.
  private static func waves(_ frequencies: [Int], size: Int) -> Tensor {
    let step = 2 * Double.pi / Double(size)
    let turn = (0..<size).map { Double($0) * step }
    func rows(_ wave: (Double) -> Double) -> [Float] {
      let table = turn.map { Float(wave($0)) }
      return frequencies.flatMap { k in (0..<size).map { table[k * $0 % size] } }
    }
    return Tensor(
      rows { cos($0) } + rows { sin($0) }, shape: [2 * frequencies.count, size])
  }
}

private struct FourierDelta: WeightDelta {
  let spectrum: Parameter
  /// `[2n, out]`.
  let left: Tensor
  /// `[2n, in]`.
  let right: Tensor
  let scaling: Double

  var parameters: [Parameter] { [spectrum] }

  func delta(_ layer: SiteRows) -> Tensor {
    let values = spectrum().scaled(by: scaling)
    let both = Tensor.concatenated([values, values.scaled(by: -1)], axis: 0)
    let type = values.dtype
    return matrixProduct(
      left.cast(to: type).transposed, right.cast(to: type).rowsScaled(by: both))
  }
}
