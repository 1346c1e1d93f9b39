import Tensors

/// Which patches a masked autoencoder keeps: those with the smallest numbers.
struct PatchMasking: Sendable {
  /// Numbers of the kept patches in the order of the noise, `[batch, kept]` i32.
  let kept: Tensor
  /// Place of each patch in the order of the noise, `[batch, patch]` i32.
  let places: Tensor
  /// 1 where a patch was removed, `[batch, patch]`.
  let mask: Tensor

  /// Keeps `count` patches of every sample by `noise` `[batch, patch]`; equal numbers keep their order.
  init(noise: Tensor, kept count: Int) {
    let (batch, patches) = (noise.shape[0], noise.shape[1])
    let values = noise.elements(as: Float.self)
    var kept: [Int32] = []
    var places = [Int32](repeating: 0, count: values.count)
    for sample in 0..<batch {
      let start = sample * patches
      let order = (0..<patches).sorted {
        (values[start + $0], $0) < (values[start + $1], $1)
      }
      kept += order[..<count].map { Int32($0) }
      for (place, patch) in order.enumerated() { places[start + patch] = Int32(place) }
    }
    self.kept = Tensor(kept, shape: [batch, count])
    self.places = Tensor(places, shape: noise.shape)
    mask = Tensor(places.map { $0 < count ? 0 : 1 as Float }, shape: noise.shape)
  }

  /// The mean over the removed patches of `[batch, patch]`, a scalar.
  func mean(of values: Tensor) -> Tensor {
    (values * mask).sum().scaled(by: 1 / mask.sum().scalar)
  }

  /// For every value of `[batch, patch, pixel · channel]` the mean of the kept ones of its sample
  /// and channel.
  func visibleMeans(of values: Tensor, channels: Int) -> Tensor {
    let (batch, count) = (values.shape[0], kept.shape[1])
    let visible = values.gathered(axis: 1, indices: kept)
      .reshaped(to: [batch, -1, channels]).averaged(over: [1])
    precondition(count > 0, "no patch is kept")
    return visible.expanded(to: [batch, values.elementCount / (batch * channels), channels])
      .reshaped(to: values.shape)
  }
}
