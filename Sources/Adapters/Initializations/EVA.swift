import Layers
package import Recipes
import Synchronization
import Tensors

/// First values and ranks from what enters a layer (EVA, arXiv 2410.07170, section 3).
///
/// A holds the leading principal components of the layer's centered inputs on training samples, B is
/// zero. Ranks: every layer offers round(ρ r) components with the shares λⱼ/Σλ of variance that they
/// explain; of all layers the r times (number of layers) largest are taken, and layers of which none is
/// taken are left alone. Rows of one weight share their components. α follows the rank, so that the scaling
/// stays. With `whiten` row j of A is divided by the square root of its singular value.
///
/// PEFT 0.21.2 finds the components batch by batch until they settle; here they are exact for the samples.
package struct EVA: AdapterInitialization {
  package static let name = "eva"
  package static let summary = "principal components of the layer's inputs, ranks by their variance"
  package static let options: OptionTable = [
    Option("samples", .integer, default: 64, range: .atLeast(1), "Training samples."),
    Option(
      "rho", .number, default: 2, range: .atLeast(1),
      "Largest rank of a layer over r; 1 leaves all ranks as they are."),
    Option(
      "whiten", .boolean, default: false, "Divide components by the root of their singular value."),
    Option(
      "adjust_scaling_factors", .boolean, default: true,
      "Keep the scaling where the rank changes; false keeps alpha."),
  ]
  package static let needs = CalibrationNeed.data
  package static let findsValues = true

  private let samples: Int
  private let rho: Double
  private let whitens: Bool
  private let adjusts: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    samples = options.int("samples")
    rho = options.number("rho")
    whitens = options.bool("whiten")
    adjusts = options.bool("adjust_scaling_factors")
  }

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    for target in targets where target.site.kind != .linear {
      throw AdapterError.unsupported(
        module: target.site.path, method: Self.name,
        reason: "components are those of a linear layer's inputs, this is a convolution. Leave it "
          + "out of target_modules, or choose another init")
    }
    guard let probe = plan.probe else { return targets }
    let sites = Dictionary(grouping: targets) { $0.site.path }.mapValues { targets in
      (inputs: targets[0].inputs, wanted: targets.map(offered).max() ?? 0)
    }
    var found: [String: PrincipalComponents] = [:]
    for group in Self.groups(sites.mapValues(\.inputs)) {
      let moments = InputMoments(group)
      try probe.inputs(samples: 0..<min(samples, probe.count)) { path, input in
        moments.add(input, of: path)
      }
      for path in group {
        guard let size = sites[path], let made = moments.components(path, count: size.wanted)
        else {
          throw AdapterError.unsupported(
            module: path, method: Self.name,
            reason: "nothing entered the layer on the samples. Leave it out of target_modules")
        }
        found[path] = made
      }
    }
    let ranks = ranks(targets, found)
    return zip(targets, ranks).map { target, rank in
      guard rank > 0, let components = found[target.site.path] else { return target.ranked(0) }
      let alpha = adjusts ? target.alpha * Double(rank) / Double(target.rank) : target.alpha
      return target.ranked(rank, alpha: alpha).starting(
        LowRankStart(
          down: components.rows(rank, whitens: whitens),
          up: Tensor(zeros: [target.rows.count, rank]), isOffset: false))
    }
  }

  /// Components that a target offers.
  private func offered(_ target: AdapterTarget) -> Int {
    let wanted = Int((Double(target.rank) * rho).rounded(.toNearestOrEven))
    return max(1, min(wanted, target.rows.count, target.inputs))
  }

  /// Ranks by the largest shares of variance among all targets; equal shares go to the first target.
  private func ranks(
    _ targets: [AdapterTarget], _ found: [String: PrincipalComponents]
  ) -> [Int] {
    let shares = targets.enumerated().flatMap { index, target in
      (found[target.site.path]?.shares.prefix(offered(target)) ?? []).map { (index, $0) }
    }
    let budget = targets.reduce(0) { $0 + $1.rank }
    let order = shares.indices.sorted { (shares[$0].1, $1) > (shares[$1].1, $0) }
    var ranks = [Int](repeating: 0, count: targets.count)
    for place in order.prefix(budget) { ranks[shares[place].0] += 1 }
    return ranks
  }

  /// Layers whose second moments are held at a time, 512 MB of them at most or a single one.
  private static func groups(_ sizes: [String: Int]) -> [[String]] {
    var groups: [[String]] = []
    var room = 0
    for path in sizes.keys.sorted() {
      let size = sizes[path] ?? 0
      let bytes = 8 * size * size
      if groups.isEmpty || bytes > room {
        groups.append([])
        room = 512 << 20
      }
      groups[groups.count - 1].append(path)
      room -= bytes
    }
    return groups
  }
}

/// Leading principal components of centered inputs.
private struct PrincipalComponents {
  /// `[count, in]`, by descending variance, rows orthonormal.
  let directions: Tensor
  /// Parts of the whole variance.
  let shares: [Double]
  /// Singular values of the centered inputs.
  let values: [Double]

  /// The first rows of A.
  func rows(_ count: Int, whitens: Bool) -> Tensor {
    let leading = directions.sliced(axis: 0, 0..<count)
    guard whitens else { return leading.cast(to: .f32) }
    let factors = values.prefix(count).map { 1 / max($0, 1e-12).squareRoot() }
    return leading.rowsScaled(by: Tensor(factors, shape: [count])).cast(to: .f32)
  }
}

/// Sums of inputs and of their products for some layers.
private final class InputMoments: Sendable {
  private struct Sums: Sendable {
    var count = 0
    /// `[in]` and `[in, in]`, double precision; nil before the first input.
    var sum: Tensor?
    var products: Tensor?
  }

  private let sums: Mutex<[String: Sums]>

  init(_ paths: [String]) {
    sums = Mutex(Dictionary(uniqueKeysWithValues: paths.map { ($0, Sums()) }))
  }

  /// Adds an input `[..., in]` of a layer; others are passed over.
  func add(_ input: Tensor, of path: String) {
    sums.withLock { sums in
      guard var own = sums[path] else { return }
      let width = input.shape[input.rank - 1]
      let rows = input.cast(to: .f64).reshaped(to: [-1, width])
      let (sum, products) = (
        rows.summed(over: [0]).reshaped(to: [width]), matrixProduct(rows.transposed, rows)
      )
      own.count += rows.shape[0]
      own.sum = own.sum.map { $0 + sum } ?? sum
      own.products = own.products.map { $0 + products } ?? products
      sums[path] = own
    }
  }

  /// The leading components of a layer's inputs; nil where there were none.
  func components(_ path: String, count: Int) -> PrincipalComponents? {
    let own = sums.withLock { $0[path] }
    guard let own, let sum = own.sum, let products = own.products else { return nil }
    let width = sum.shape[0]
    let mean = sum.scaled(by: -1 / Double(own.count))
    let scatter =
      products
      + matrixProduct(sum.reshaped(to: [width, 1]), mean.reshaped(to: [1, width]))
    let (values, vectors) = scatter.symmetricEigenvalues()
    let ascending = values.elements(as: Double.self).map { max(0, $0) }
    let total = max(ascending.reduce(0, +), .leastNormalMagnitude)
    let leading = Array(ascending.reversed().prefix(count))
    let order = (0..<count).map { width - 1 - $0 }
    return PrincipalComponents(
      directions: vectors.columns(order).transposed.withPositivePeaks,
      shares: leading.map { $0 / total }, values: leading.map { $0.squareRoot() })
  }
}

extension Tensor {
  /// Rows with the sign that makes their entry of largest magnitude positive.
  fileprivate var withPositivePeaks: Tensor {
    let (rows, columns) = (shape[0], shape[1])
    var values = elements(as: Double.self)
    for row in 0..<rows {
      let range = (row * columns)..<((row + 1) * columns)
      let peak = values[range].max { abs($0) < abs($1) } ?? 0
      if peak < 0 { for index in range { values[index].negate() } }
    }
    return Tensor(values, shape: shape)
  }
}
