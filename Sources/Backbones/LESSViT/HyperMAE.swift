package import Layers
package import Recipes
import Tensors

/// Hyper-MAE: LESS ViT learns by reconstructing masked channels and masked positions
/// (arXiv 2503.12843; less-vit.md, section 9).
package struct HyperMAE: MaskedAutoencoder {
  package typealias Mode = PretrainingSection.Mode

  /// What `model.pretrain` says.
  package struct Settings: Sendable, Equatable {
    package var maskRatio = 0.75
    package var channelMaskRatio = 0.5
    package var normalizesPixels = false
    package var measure = MaskedReconstruction.Measure.squared
    package var mode = Mode.multi
    /// Lowest and highest share of optical channels that a training step leaves out.
    package var channelDropout: ClosedRange<Double>?

    package init() {}

    init(_ section: PretrainingSection) {
      maskRatio = section.maskRatio
      channelMaskRatio = section.channelMaskRatio
      normalizesPixels = section.normalizesPixels
      measure = section.loss == .mse ? .squared : .absolute
      mode = section.mode
      channelDropout = section.channelDropout
    }

    /// Records what the generation does not have.
    package func report(
      for generation: LESSConfiguration.Generation, to diagnostics: Diagnostics,
      at location: SourceLocation, path: String
    ) {
      guard channelDropout != nil, generation == .first else { return }
      diagnostics.error(
        .rule(
          "model.pretrain.channel_dropout belongs to generation 2",
          mend: "set generation: 2, or leave channel_dropout out"), at: location, path: path)
    }
  }

  package let configuration: LESSConfiguration
  package let encoder: LESSEncoder
  private let decoder: LESSDecoder
  private let settings: Settings

  package init(
    _ options: OptionReader, _ pretraining: PretrainingSection, for data: DataShape,
    in scope: Scope, _ diagnostics: Diagnostics
  ) {
    let configuration = LESSConfiguration(options, diagnostics)
    configuration.report(data, to: diagnostics, at: options.location, path: options.path)
    let decoder = configuration.decoder(
      width: pretraining.decoderWidth, depth: pretraining.decoderDepth,
      heads: pretraining.decoderHeads,
      channelHeadWidth: max(1, options.int("decoder_channel_embed_dims_per_head")))
    decoder.report(
      to: diagnostics, at: options.location, path: options.path, prefix: "decoder_")
    let settings = Settings(pretraining)
    settings.report(
      for: configuration.generation, to: diagnostics, at: options.location, path: options.path)
    self.init(configuration, decoder: decoder, settings, in: scope)
  }

  /// Builds the layers for a configuration of the encoder, one of the decoder, and settings.
  package init(
    _ configuration: LESSConfiguration, decoder: LESSConfiguration, _ settings: Settings,
    in scope: Scope
  ) {
    self.configuration = configuration
    self.settings = settings
    encoder = LESSEncoder(scope / "encoder", configuration)
    self.decoder = LESSDecoder(
      scope / "decoder", decoder, encoderWidth: configuration.width)
  }

  package var layouts: [KeyLayout] {
    configuration.generation.spellings.map { spelling in
      let pool = spelling.key("encoder.blocks.0.low_dim_pool.channel_norm.weight")
      return KeyLayout(
        spelling.rawValue,
        recognizes: { $0.contains(pool) && $0.contains("decoder.mask_token") },
        ignores: { $0.hasSuffix("perception_field_mask") }, key: spelling.key)
    }
  }

  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    try configuration.check(shapes)
    let needed = [Mode.optical: "optical", .radar: "radar"][settings.mode]
    if let needed, shapes[needed] == nil {
      throw BackboneError(
        "less-vit: model.pretrain.mode \(needed) needs an input \(needed), the data has "
          + "\(shapes.keys.sorted().joined(separator: ", ")). Map one in model.inputs or set mode")
    }
    for mode in Mode.allCases where settings.mode == .all || settings.mode == mode {
      try refuseIfNothingIsMasked(names(of: mode, in: Set(shapes.keys)), shapes)
    }
  }

  package func check(_ input: BackboneInput) throws(BackboneError) {
    try check(input.values.mapValues(\.shape))
    try configuration.check(input)
  }

  private func refuseIfNothingIsMasked(
    _ names: [String], _ shapes: [String: [Int]]
  ) throws(BackboneError) {
    guard let shape = shapes.values.first, names.count == shapes.count else { return }
    let channels = names.reduce(0) { $0 + (shapes[$1]?[1] ?? 0) }
    let side = configuration.side(of: shape[2])
    if keptChannels(channels) == channels, keptPositions(side * side) == side * side {
      throw BackboneError(
        "less-vit: with \(channels) channels, \(side * side) positions, mask_ratio "
          + "\(settings.maskRatio) and channel_mask_ratio \(settings.channelMaskRatio) nothing is "
          + "masked. Raise model.pretrain.mask_ratio")
    }
  }

  /// Masks, encodes, decodes and compares, in one mode or several.
  ///
  /// `named` holds `target`, and for each mode `latent`, `recon`, `pos_mask`, `pos_ids_restore`,
  /// `channel_mask` over all channels, `encoder_channel_mask` and `channel_ids_restore` over those
  /// encoded, under the mode's name and a dot. The baseline is computed in evaluation only.
  package func callAsFunction(
    _ input: BackboneInput, _ context: ForwardContext
  ) -> Reconstruction {
    let input = samplingChannels(of: input, context)
    let target = target(input)
    let loss = MaskedReconstruction(
      measure: settings.measure, radarChannels: input.values["radar"]?.shape[1] ?? 0,
      ignoresZeroTargets: configuration.generation == .second)
    var losses: [Tensor] = []
    var baselines: [Double] = []
    var named = ["target": target]
    for mode in modes(input, context) {
      let view = masked(mode, input, context)
      losses.append(
        loss(
          view.prediction, target, positionMask: view.positionMask,
          channelMask: view.channelMask))
      named.merge(view.named) { $1 }
      guard !context.isTraining else { continue }
      baselines.append(
        loss(
          view.visibleMeans(of: target, ignoringZeros: loss.ignoresZeroTargets), target,
          positionMask: view.positionMask, channelMask: view.channelMask
        ).scalar)
    }
    return Reconstruction(
      loss: losses.dropFirst().reduce(losses[0]) { $0 + $1 },
      baseline: context.isTraining ? nil : baselines.reduce(0, +), named: named)
  }

  /// Encodes what masking leaves of a mode's inputs and decodes all inputs.
  private func masked(
    _ mode: Mode, _ input: BackboneInput, _ context: ForwardContext
  ) -> LESSMaskedView {
    let names = names(of: mode, in: Set(input.values.keys))
    var seen = input
    seen.values = input.values.filter { names.contains($0.key) }
    guard
      let (batch, side) = seen.values.values.first.map({
        ($0.shape[0], configuration.side(of: $0.shape[2]))
      })
    else { preconditionFailure("mode \(mode.rawValue) of \(input.values.keys.sorted())") }
    let (count, area) = (seen.values.values.reduce(0) { $0 + $1.shape[1] }, side * side)
    let channels = select(
      "\(mode.rawValue).channel", count, keeping: keptChannels(count),
      ratio: settings.channelMaskRatio, batch: batch, isShared: false, context)
    let positions = select(
      "\(mode.rawValue).position", area, keeping: keptPositions(area),
      ratio: settings.maskRatio, batch: batch, isShared: configuration.attentionRadius != nil,
      context)
    let place = encoder.place(seen).keeping(channels: channels, positions: positions)
    let visible = encoder.grid(seen, positions: positions, context)
      .gathered(axis: 1, indices: channels.keptIndices)
    let latent = encoder.encoded(
      place.table.map { visible + $0 } ?? visible, place, context
    ).grid
    let start = names.first == "radar" ? input.values["optical"]?.shape[1] ?? 0 : 0
    let prediction = decoder(
      latent, channels: channels, start: start, positions: positions, input, context)
    return LESSMaskedView(
      name: mode.rawValue, latent: latent,
      prediction: dependingOnUnused(prediction, encoded: names, input), channels: channels,
      firstChannel: start, positions: positions)
  }

  /// The prediction with a zero gradient for the layers of inputs that were not encoded or do not
  /// exist.
  ///
  /// The reference adds them times 0, so that an optimizer decays them.
  private func dependingOnUnused(
    _ prediction: Tensor, encoded names: [String], _ input: BackboneInput
  ) -> Tensor {
    let unused = LESSViT.inputNames.flatMap { name in
      (names.contains(name) ? [] : encoder.embeddingParameters(name))
        + (input.values[name] == nil ? decoder.predictionParameters(name) : [])
    }
    return unused.reduce(prediction) { $0.dependingWithZeroGradient(on: $1()) }
  }

  private func select(
    _ path: String, _ count: Int, keeping: Int, ratio: Double, batch: Int, isShared: Bool,
    _ context: ForwardContext
  ) -> LESSSelection {
    guard ratio > 0 else { return LESSSelection(all: count) }
    return LESSSelection(
      noise: context.uniform(
        "mae." + path, batch: batch, count: count, isShared: isShared),
      keeping: keeping, isShared: isShared)
  }

  private func keptChannels(_ count: Int) -> Int {
    guard settings.channelMaskRatio > 0 else { return count }
    return min(count, max(Int(Double(count) * (1 - settings.channelMaskRatio)), 2))
  }

  private func keptPositions(_ count: Int) -> Int {
    Int(Double(count) * (1 - settings.maskRatio))
  }

  /// The inputs that a mode encodes, in the order of their channels.
  private func names(of mode: Mode, in present: Set<String>) -> [String] {
    LESSViT.inputNames.filter { name in
      present.contains(name) && (mode == .multi || mode.rawValue == name)
    }
  }

  /// The modes of one step; with a single input there is one, and `random` draws for the whole batch.
  private func modes(_ input: BackboneInput, _ context: ForwardContext) -> [Mode] {
    let possible =
      input.values.count > 1
      ? [Mode.optical, .radar, .multi] : [input.values["radar"] == nil ? .optical : .radar]
    switch settings.mode {
    case .all: return possible
    case .random:
      let drawn = context.uniform("mae.mode", batch: 1, count: 1, isShared: true).scalar
      return [possible[min(Int(drawn * Double(possible.count)), possible.count - 1)]]
    case .multi, .optical, .radar: return [settings.mode]
    }
  }

  /// Patches of all channels, optical first; standardized with their unbiased variance if the
  /// settings say so.
  private func target(_ input: BackboneInput) -> Tensor {
    let parts = LESSViT.inputNames.compactMap { name in
      input.values[name].map { channelPatches($0, configuration.patch) }
    }
    let patches = parts.count == 1 ? parts[0] : Tensor.concatenated(parts, axis: 1)
    guard settings.normalizesPixels else { return patches }
    let count = Double(patches.shape[3])
    let share = (count - 1) / count
    return layerNorm(patches, weight: nil, bias: nil, epsilon: 1e-6 * share)
      .scaled(by: share.squareRoot())
  }

  /// Hierarchical channel sampling (arXiv 2605.18541): a training step sees a random subset of the
  /// optical channels, the same for all its samples.
  private func samplingChannels(
    of input: BackboneInput, _ context: ForwardContext
  ) -> BackboneInput {
    guard let shares = settings.channelDropout, context.isTraining,
      let optical = input.values["optical"], let wavelengths = input.wavelengths["optical"]
    else { return input }
    let count = optical.shape[1]
    func kept(_ share: Double) -> Int { max(1, Int(Double(count) * (1 - share))) }
    let (low, high) = (kept(shares.upperBound), kept(shares.lowerBound))
    let drawn = context.uniform("mae.channel_count", batch: 1, count: 1, isShared: true).scalar
    let selection = LESSSelection(
      noise: context.uniform("mae.channel_choice", batch: 1, count: count, isShared: true),
      keeping: min(low + Int(drawn * Double(high - low + 1)), high), isShared: true)
    let chosen = selection.kept[0].sorted()
    var sampled = input
    sampled.values["optical"] = optical.gathered(
      axis: 1, indices: Tensor(chosen.map(Int32.init), shape: [chosen.count]))
    sampled.wavelengths["optical"] = chosen.map { wavelengths[$0] }
    return sampled
  }
}
