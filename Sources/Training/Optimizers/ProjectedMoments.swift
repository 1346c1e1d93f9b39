import Tensors

/// Averages in a projection that is found anew from time to time; not rotated when it is.
struct ProjectedMoments {
  private(set) var projection: GradientProjection
  var moments: AdamMoments
  /// Steps since the last projection was found.
  private var age = 0

  /// For a first gradient `[m, n]`.
  init(_ gradient: Tensor, _ rule: LowRankRule) {
    projection = GradientProjection(gradient, rank: rule.rank, side: rule.side)
    moments = AdamMoments(
      shape: projection.down(gradient).shape, isEightBit: rule.isEightBit)
  }

  /// Takes a gradient `[m, n]` in.
  ///
  /// - Returns: the projected gradient, and the direction of its averages, of the same shape.
  mutating func step(_ gradient: Tensor, _ rule: LowRankRule) -> (
    gradient: Tensor, direction: Tensor
  ) {
    if age == rule.interval {
      projection = GradientProjection(gradient, rank: rule.rank, side: rule.side)
      age = 0
    }
    age += 1
    let projected = projection.down(gradient)
    return (
      projected, moments.direction(projected, betas: rule.betas, epsilon: rule.epsilon)
    )
  }

  // MARK: Saving

  func tensors(_ path: String) -> [(name: String, value: Tensor)] {
    let sides = [("left.", projection.left), ("right.", projection.right)]
    return sides.compactMap { name, value in value.map { (name + path, $0) } }
      + moments.tensors("\(path).")
  }

  var counts: (steps: Int, age: Int) { (moments.steps, age) }

  /// Those that were saved; nil where something is missing.
  init?(
    _ tensors: [String: Tensor], _ path: String, steps: Int, age: Int, _ rule: LowRankRule
  ) {
    projection = GradientProjection(
      left: tensors["left." + path]?.copied(), right: tensors["right." + path]?.copied())
    guard
      let moments = AdamMoments(
        tensors, "\(path).", steps: steps, isEightBit: rule.isEightBit),
      projection.left != nil || projection.right != nil
    else { return nil }
    self.moments = moments
    self.age = age
  }
}
