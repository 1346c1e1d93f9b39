import Recipes

/// Sizes and options of LoLA-SpecViT, under the names of its reference code.
package struct LoLASpecViTConfiguration: Sendable, Equatable {
  /// How the spectral axis is reduced after the convolutions.
  package enum SpectralPool: String, Sendable, CaseIterable {
    /// Plain mean: the reference.
    case mean
    /// A mean with weights that the cube itself gives (Aloudname/LoLA_hsViT).
    case learned
  }

  /// Width of the first stage; every further stage has twice as much.
  package var dim: Int
  /// Blocks of each stage.
  package var depths: [Int]
  /// Attention heads of each stage.
  package var heads: [Int]
  /// Side of the attention windows of each stage, in tokens.
  package var windows: [Int]
  package var mlpRatio: Double
  /// Drop path of the last block; it grows linearly from 0 at the first.
  package var dropPathRate: Double
  package var bandDropout: Double
  package var positionDropout: Double
  package var spectralPool: SpectralPool
  package var masksPadding: Bool
  /// Side of a patch in pixels; fixes the position table.
  package var spatialSize: Int
  /// Nil for no head.
  package var classes: Int?

  package init(
    dim: Int, depths: [Int], heads: [Int], windows: [Int], mlpRatio: Double, spatialSize: Int,
    classes: Int?, dropPathRate: Double = 0, bandDropout: Double = 0, positionDropout: Double = 0,
    spectralPool: SpectralPool = .mean, masksPadding: Bool = false
  ) {
    self.dim = dim
    self.depths = depths
    self.heads = heads
    self.windows = windows
    self.mlpRatio = mlpRatio
    self.spatialSize = spatialSize
    self.classes = classes
    self.dropPathRate = dropPathRate
    self.bandDropout = bandDropout
    self.positionDropout = positionDropout
    self.spectralPool = spectralPool
    self.masksPadding = masksPadding
  }

  /// Side of the token grid of each stage: half the patch, then half of it again, rounded up.
  var grids: [Int] {
    var sides = [spatialSize / 2]
    while sides.count < depths.count { sides.append((sides[sides.count - 1] + 1) / 2) }
    return sides
  }

  /// Width of a token of each stage.
  var widths: [Int] { depths.indices.map { dim << $0 } }

  private struct Preset {
    let name: String
    let dim: Int
    let depths: [Int]
    let heads: [Int]
  }
  /// The reference's own sizes.
  private static let standard = Preset(
    name: "", dim: 96, depths: [3, 4, 19], heads: [4, 8, 16])
  /// Smaller ones, of Aloudname/LoLA_hsViT.
  private static let presets = [
    Preset(name: "base", dim: 96, depths: [3, 4, 5], heads: [4, 8, 16]),
    Preset(name: "reduced", dim: 64, depths: [2, 3, 3], heads: [4, 8, 16]),
    Preset(name: "tiny", dim: 64, depths: [2, 2, 2], heads: [4, 8, 16]),
    Preset(name: "mini", dim: 48, depths: [1, 1, 2], heads: [2, 4, 8]),
    Preset(name: "2layer", dim: 32, depths: [2, 2], heads: [2, 4]),
  ]

  static let options: OptionTable = [
    Option(
      "preset", .oneOf(presets.map(\.name)), default: .described("the reference's sizes"),
      "Sizes of a smaller model; single options below override it."),
    Option(
      "dim", .integer, default: .described("by preset, else 96"), range: .atLeast(16),
      "Width of the first stage, doubled by every further one."),
    Option(
      "depths", .list(.integer), default: .described("by preset, else [3, 4, 19]"),
      range: .atLeast(1), "Blocks of each stage."),
    Option(
      "num_heads", .list(.integer), default: .described("by preset, else [4, 8, 16]"),
      range: .atLeast(1), "Attention heads of each stage."),
    Option(
      "window_size", .either([.integer, .list(.integer)]), default: 7, range: .atLeast(1),
      "Side of the attention windows in tokens, one for all stages or one for each."),
    Option(
      "mlp_ratio", .number, default: 4.0, range: .above(0),
      "Hidden width of the MLP over its width."),
    Option(
      "drop_path_rate", .number, default: 0.2, range: .within(0..<1),
      "Drop path of the last block; it grows linearly from 0 at the first."),
    Option(
      "band_dropout", .number, default: 0.1, range: .within(0..<1),
      "Dropout of whole spectral positions of a feature, after the 3-D convolutions."),
    Option(
      "pos_dropout", .number, default: 0.1, range: .within(0..<1),
      "Dropout after the position table."),
    Option(
      "spectral_pool", .choice(SpectralPool.self), default: "mean",
      "How the spectral axis is reduced: plain mean, or with learned weights."),
    Option(
      "mask_padding", .boolean, default: false,
      "Leaves the zeros that fill up windows out of the attention. The reference lets them take part, "
        + "and so do weights trained by it."),
  ]

  /// Reads the options; contradictions, among themselves and with the data, go to `diagnostics`.
  ///
  /// The patch's side and the classes are the data's; a side that is not known yet counts as the
  /// reference's 15.
  init(
    _ reader: OptionReader, imageSize: [Int]?, classes: Int?, _ diagnostics: Diagnostics
  ) {
    let preset =
      Self.presets.first { $0.name == reader.optionalText("preset") } ?? Self.standard
    func list(_ name: String, else standard: [Int]) -> [Int] {
      let given = reader.ints(name)
      return given.isEmpty ? standard : given
    }
    let depths = list("depths", else: preset.depths)
    self.init(
      dim: reader.optionalInt("dim") ?? preset.dim, depths: depths,
      heads: list("num_heads", else: preset.heads),
      windows: list(
        "window_size", else: depths.map { _ in reader.optionalInt("window_size") ?? 7 }),
      mlpRatio: reader.number("mlp_ratio"), spatialSize: imageSize?.first ?? 15, classes: classes,
      dropPathRate: reader.number("drop_path_rate"), bandDropout: reader.number("band_dropout"),
      positionDropout: reader.number("pos_dropout"),
      spectralPool: reader.choice("spectral_pool", as: SpectralPool.self),
      masksPadding: reader.bool("mask_padding"))
    var problems = contradictions
    if let imageSize, Set(imageSize).count > 1 || spatialSize < 2 {
      problems.append(
        (
          "patches of \(imageSize) pixels; the position table is square, of at least 2 x 2 pixels",
          "set data.patch.size to one number of at least 2"
        ))
    }
    for problem in problems {
      diagnostics.error(
        .rule(problem.what, mend: problem.mend), at: reader.location, path: reader.path)
    }
    if !problems.isEmpty { self = .fallback }
  }

  /// What stands for options that contradict each other, so that a model can be built and dropped.
  private static let fallback = LoLASpecViTConfiguration(
    dim: 16, depths: [1], heads: [1], windows: [1], mlpRatio: 1, spatialSize: 2, classes: nil)

  private var contradictions: [(what: String, mend: String)] {
    var found: [(what: String, mend: String)] = []
    for (name, values) in [("num_heads", heads), ("window_size", windows)]
    where values.count != depths.count {
      found.append(
        (
          "\(name) \(values) is for \(values.count) stages, depths \(depths) for \(depths.count)",
          "give one value for each stage"
        ))
    }
    for (stage, pair) in zip(widths, heads).enumerated() where pair.0 % pair.1 != 0 {
      found.append(
        (
          "stage \(stage) has width \(pair.0), which its \(pair.1) heads do not divide",
          "change dim or num_heads"
        ))
    }
    if Double(dim) * mlpRatio < 1 {
      found.append(("mlp_ratio \(mlpRatio) leaves no hidden width", "raise it"))
    }
    return found
  }
}
