package import Layers
package import Recipes
import Tensors

/// Low-rank branches beside and behind a layer (arXiv 2309.06922, equations 5 to 7).
///
/// y = f(x) + s (U_p (D_p x + d_p) + u_p) + s (U_s (D_s f(x) + d_s) + u_s) with f the frozen layer, D_p
/// `[r, in]`, D_s `[r, out]`, both U `[out, r]`; dropout between the maps. D starts Xavier uniform, U
/// and biases at zero. On a convolution D_p has the layer's kernel and geometry, the other maps are
/// 1×1. Merged exactly: W' = W + s U_p D_p + s U_s D_s W, b' = b + s (U_p d_p + u_p) + s (U_s (D_s b +
/// d_s) + u_s); the reference merges an attention projection from another layer's weight.
package struct Hydra: RecordsOptions {
  enum Head: String, CaseIterable { case parallel, sequential }

  package static let name = "hydra"
  package static let summary = "linear low-rank branches beside and behind a layer"
  package static let options: OptionTable = [
    Option(
      "r", .integer, default: 2, range: .atLeast(1), aliases: ["rank"], "Rank of each branch."),
    Option("scale", .number, default: 1, "Factor s of both branches."),
    Option(
      "dropout", .number, default: 0, range: .within(0..<1), "Dropout between a branch's maps."),
    Option(
      "branches", .list(.choice(Head.self), count: 1...2), default: ["parallel", "sequential"],
      "Beside the layer, behind it, or both."),
    Option("biases", .boolean, default: true, "Biases on all maps."),
  ]
  package static let peftType = "HYDRA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .mergeable, .zeroStart,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  fileprivate let scale: Double
  fileprivate let heads: [Head]
  fileprivate let hasBias: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(rank: max(1, options.int("r")), dropout: options.number("dropout"))
    scale = options.number("scale")
    let named = options.texts("branches")
    heads = Head.allCases.filter { named.contains($0.rawValue) }
    hasBias = options.bool("biases")
  }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    HydraBranch(target, self)
  }

  /// r (in + out) of the branch beside, 2 r out of that behind, with biases r + out more for each.
  package func trainableCount(for target: AdapterTarget) -> Int {
    heads.reduce(0) { sum, head in
      let inputs = head == .parallel ? target.inputs : target.rows.count
      return sum + LinearMap.count(inputs, target.rank, hasBias: hasBias)
        + LinearMap.count(target.rank, target.rows.count, hasBias: hasBias)
    }
  }
}

private struct HydraBranch: Branch {
  /// U (D · + d) + u.
  struct Pair: Sendable {
    let down: LinearMap
    let up: LinearMap
  }

  let parallel: Pair?
  let sequential: Pair?
  let scale: Double
  let dropout: Dropout

  var parameters: [Parameter] {
    [parallel, sequential].compactMap { $0 }.flatMap { $0.down.parameters + $0.up.parameters }
  }

  init(_ target: AdapterTarget, _ method: Hydra) {
    let (outputs, rank) = (target.rows.count, target.rank)
    scale = method.scale
    // The reference calls the branches of an MLP's last layer after the MLP.
    let path = target.site.path.split(separator: ".").map(String.init)
    let leaf = path.suffix(2) == ["mlp", "fc2"] ? "mlp" : path.last ?? ""
    dropout = Dropout(
      path: target.path(beside: "hydra_\(leaf).dropout"), probability: target.dropout)
    func pair(_ head: Hydra.Head, _ suffix: String, shape: [Int]) -> Pair? {
      guard method.heads.contains(head) else { return nil }
      func map(_ name: String, _ shape: [Int], _ start: Initialization) -> LinearMap {
        func parameter(
          _ field: String, _ shape: [Int], _ initialization: Initialization
        ) -> Parameter {
          Parameter(
            path: target.path(beside: "hydra_\(leaf)_\(suffix).\(name).\(field)"), shape: shape,
            initialization: initialization)
        }
        return LinearMap(
          weight: parameter("weight", shape, start),
          bias: method.hasBias ? parameter("bias", [shape[0]], .zeros) : nil)
      }
      let inputs = shape.reduce(1, *)
      return Pair(
        down: map("down_proj", [rank] + shape, .xavier(inputs: inputs, outputs: rank)),
        up: map("up_proj", [outputs, rank], .zeros))
    }
    parallel = pair(.parallel, "par", shape: Array(target.site.weight.shape.dropFirst()))
    sequential = pair(.sequential, "seq", shape: [outputs])
  }

  func output(
    _ y: Tensor, input x: Tensor, of layer: SiteRows, context: ForwardContext
  ) -> Tensor {
    var sum = y
    func add(_ up: LinearMap, _ hidden: Tensor) {
      sum = sum + pointwise(up, dropout(hidden, context), layer).scaled(by: scale)
    }
    if let parallel {
      let down = parallel.down
      add(
        parallel.up,
        layer.applied(down.matrix, bias: down.bias?(), to: x, outputs: down.weight.shape[0]))
    }
    if let sequential { add(sequential.up, pointwise(sequential.down, y, layer)) }
    return sum
  }

  /// A map of the features at each place.
  private func pointwise(_ map: LinearMap, _ x: Tensor, _ layer: SiteRows) -> Tensor {
    guard layer.site.kind != .linear else { return map(x) }
    let matrix = map.matrix
    return convolution(
      x, weight: matrix.reshaped(to: matrix.shape + x.shape.dropFirst(2).map { _ in 1 }),
      bias: map.bias?())
  }

  func merged(
    _ weight: Tensor, _ bias: Tensor?, _ layer: SiteRows
  ) -> (weight: Tensor, bias: Tensor?) {
    var (matrix, shift) = (weight, bias)
    let hasShift = bias != nil || (parallel ?? sequential)?.up.bias != nil
    /// What a pair gives for one row.
    func row(_ pair: Pair, _ values: Tensor) -> Tensor {
      pair.up(pair.down(values.reshaped(to: [1, -1]))).reshaped(to: [-1]).scaled(by: scale)
    }
    func add(_ row: Tensor) { shift = shift.map { $0 + row } ?? row }
    func zeros(_ count: Int) -> Tensor { Tensor(zeros: [count], dtype: weight.dtype) }
    if let parallel {
      let change = matrixProduct(parallel.up.matrix, parallel.down.matrix)
      matrix = matrix + change.scaled(by: scale)
      if hasShift { add(row(parallel, zeros(layer.site.inputs))) }
    }
    if let sequential {
      let change = matrixProduct(
        sequential.up.matrix, matrixProduct(sequential.down.matrix, weight))
      matrix = matrix + change.scaled(by: scale)
      if hasShift { add(row(sequential, bias ?? zeros(layer.rows.count))) }
    }
    return (matrix, shift)
  }
}
