import Tensors

/// Which channels or positions masking keeps, for every sample or for all samples alike.
struct LESSSelection: Sendable {
  /// Members of the axis.
  let count: Int
  /// `[sample][kept]`, in the order of their noise; one row stands for all samples.
  let kept: [[Int]]
  /// `[sample][member]`: the member's place in the order of the noise.
  let places: [[Int]]

  /// Keeps the `keeping` members of least noise; `noise` is `[sample, member]`.
  init(noise: Tensor, keeping: Int, isShared: Bool = false) {
    count = noise.shape[1]
    let values = noise.elements(as: Float.self)
    let rows = isShared ? 1 : noise.shape[0]
    let orders = (0..<rows).map { [count] row in
      (0..<count).sorted { a, b in
        let (x, y) = (values[row * count + a], values[row * count + b])
        return x == y ? a < b : x < y
      }
    }
    kept = orders.map { Array($0.prefix(keeping)) }
    places = orders.map { order in
      var places = [Int](repeating: 0, count: order.count)
      for (place, member) in order.enumerated() { places[member] = place }
      return places
    }
  }

  /// Keeps everything as it is.
  init(all count: Int) {
    self.count = count
    kept = [Array(0..<count)]
    places = kept
  }

  var keptCount: Int { kept[0].count }

  /// What is kept: numbers `[kept]`, or `[sample, kept]`.
  var keptMembers: Tensor { indices(kept) }

  /// What is kept of a grid's axis, whose member 0 is the class token: `[kept + 1]`, or
  /// `[sample, kept + 1]`.
  var keptIndices: Tensor { indices(kept.map { [0] + $0.map { $0 + 1 } }) }

  /// The rows of a table `[member + 1, width]` that are kept, for all samples or for each.
  func chosen(from table: Tensor) -> Tensor {
    let rows = keptIndices
    guard rows.rank == 2 else { return table.gathered(axis: 0, indices: rows) }
    return table.reshaped(to: [1] + table.shape).expanded(to: [rows.shape[0]] + table.shape)
      .gathered(axis: 1, indices: rows)
  }

  func chosen(from rotation: LESSRotation) -> LESSRotation {
    LESSRotation(cosine: chosen(from: rotation.cosine), sine: chosen(from: rotation.sine))
  }

  /// Where each member of a larger axis stands in the encoder's result, whose last member, behind the
  /// kept ones, stands for all that are masked.
  ///
  /// This selection's members begin at `start` of `total`, the others were never encoded; member 0 is
  /// the class token.
  func restoringIndices(total: Int, start: Int) -> Tensor {
    let masked = keptCount + 1
    return indices(
      places.map { places in
        [0]
          + (0..<total).map { member in
            let own = member - start
            return places.indices.contains(own) && places[own] < keptCount
              ? places[own] + 1 : masked
          }
      })
  }

  /// `[batch, total]` of a larger axis as above: 1 for what was masked or never encoded, else 0.
  func mask(batch: Int, total: Int, start: Int) -> Tensor {
    let rows = places.map { places in
      (0..<total).map { member -> Float in
        let own = member - start
        return places.indices.contains(own) && places[own] < keptCount ? 0 : 1
      }
    }
    return Tensor(repeated(rows, batch).flatMap { $0 }, shape: [batch, total])
  }

  /// `places` for every sample, `[batch, member]`.
  func restore(batch: Int) -> Tensor {
    Tensor(repeated(places, batch).flatMap { $0.map(Int32.init) }, shape: [batch, count])
  }

  private func repeated<Value>(_ rows: [[Value]], _ batch: Int) -> [[Value]] {
    rows.count == batch ? rows : (0..<batch).map { _ in rows[0] }
  }

  private func indices(_ rows: [[Int]]) -> Tensor {
    let values = rows.flatMap { $0.map(Int32.init) }
    return Tensor(
      values, shape: rows.count == 1 ? [values.count] : [rows.count, rows[0].count])
  }
}
