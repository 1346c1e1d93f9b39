package import Layers
import Recipes
package import Tensors

extension ViT {
  package func fitted(
    _ stored: Tensor, to parameter: Parameter, _ fit: WeightFit
  ) throws(BackboneError) -> Tensor? {
    switch parameter.path {
    case "pos_embed":
      return try fittedPositions(stored, to: parameter.shape, fit)
    case "patch_embed.proj.weight":
      return try fittedPatches(stored, to: parameter, fit)
    default:
      return nil
    }
  }

  /// A table of another grid, which is taken to be square: files do not say.
  ///
  /// One of as many rows is taken to be of this model's grid.
  private func fittedPositions(
    _ stored: Tensor, to shape: [Int], _ fit: WeightFit
  ) throws(BackboneError) -> Tensor? {
    guard stored.shape != shape else { return stored }
    guard stored.rank == 3, stored.shape[2] == shape[2] else { return nil }
    let prefix = configuration.positionPrefix
    let patches = stored.shape[1] - prefix
    let side = Int(Double(max(0, patches)).squareRoot().rounded())
    guard patches > 0, side * side == patches else {
      throw BackboneError(
        "pos_embed: the file has \(stored.shape[1]) positions; less \(prefix) of class and register "
          + "tokens they are no square grid of patches. Check class_token, reg_tokens and "
          + "no_embed_class, or give the img_size that the weights were made for")
    }
    return resampledPositionTable(
      stored, prefix: prefix, from: [side, side], to: configuration.grid,
      interpolation(ofLayout: fit.layout))
  }

  /// A kernel for other channels by the policy, and of another size where the program that reads the
  /// layout resamples it.
  private func fittedPatches(
    _ stored: Tensor, to parameter: Parameter, _ fit: WeightFit
  ) throws(BackboneError) -> Tensor? {
    let shape = parameter.shape
    guard stored.rank == 4, stored.shape[0] == shape[0] else { return nil }
    if fit.channelPolicy == .random, stored.shape[1] != shape[1] { return parameter.value }
    let kernel = try fittedChannels(stored, to: shape[1], fit)
    guard kernel.shape != shape else { return kernel }
    guard !fit.layout.hasPrefix("hf") else { return nil }
    return resampledPatchKernel(
      kernel, to: Array(shape[2...]), interpolation(ofLayout: fit.layout))
  }

  private func interpolation(ofLayout name: String) -> ViTConfiguration.Interpolation {
    switch name {
    case "hf": .transformers
    case "jax": .jax
    default: .timm
    }
  }
}

/// The input channels of a kernel `[out, channel, height, width]` fitted to `count` by
/// `model.channel_policy`.
///
/// - `select`: the stored channels of the same bands.
/// - `mean`: their mean for every channel, times stored over wanted channels, so that equal
///   channels give what they gave.
/// - `repeat`: stored channels in turn with the same factor, and their sum for one channel, as
///   timm does it (timm/models/_manipulate.py, `adapt_input_conv`).
func fittedChannels(
  _ kernel: Tensor, to count: Int, _ fit: WeightFit
) throws(BackboneError) -> Tensor {
  let stored = kernel.shape[1]
  if fit.channelPolicy == .select, let numbers = fit.channels {
    guard numbers.count == count, numbers.allSatisfy({ (0..<stored).contains($0) }) else {
      throw BackboneError(
        "patch_embed.proj.weight: channels \(numbers) selected of \(stored) for \(count) bands. "
          + "Give model.bands the name of each stored channel")
    }
    return gathered(kernel, numbers)
  }
  guard stored != count else { return kernel }
  let factor = Double(stored) / Double(count)
  switch fit.channelPolicy {
  case .mean:
    return kernel.averaged(over: [1]).scaled(by: factor)
      .expanded(to: [kernel.shape[0], count] + kernel.shape[2...])
  case .repeat:
    return count == 1
      ? kernel.summed(over: [1])
      : gathered(kernel, (0..<count).map { $0 % stored }).scaled(by: factor)
  case .select:
    throw BackboneError(
      "patch_embed.proj.weight: channel_policy select needs the names of the \(stored) stored "
        + "channels. Give model.bands, or use another channel_policy")
  case .refuse, .random:
    throw BackboneError(
      "patch_embed.proj.weight: the weights are for \(stored) channels, the model has \(count). "
        + "Set model.channel_policy to select (bands by name), mean, repeat or random, or choose "
        + "\(stored) bands")
  }
}

private func gathered(_ kernel: Tensor, _ numbers: [Int]) -> Tensor {
  kernel.gathered(
    axis: 1, indices: Tensor(numbers.map { Int32($0) }, shape: [numbers.count]))
}
