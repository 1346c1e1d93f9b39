package import Layers
package import Recipes
import Tensors

/// NAFNet, a U-shaped network for image restoration without nonlinear activations
/// (arXiv 2204.04676), and NAFNetLocal (arXiv 2112.04491).
package struct NAFNet: Backbone {
  package static let name = "nafnet"
  package static let summary =
    "image restoration without activation functions: denoising, deblurring, rain"
  package static let options = NAFNetConfiguration.options
  package static let givesImages = true
  package static let defaultTargets = ["conv"]

  package let configuration: NAFNetConfiguration
  private let intro: Convolution
  private let encoders: [[NAFNetBlock]]
  private let downs: [Convolution]
  private let middle: [NAFNetBlock]
  private let ups: [Convolution]
  private let decoders: [[NAFNetBlock]]
  private let ending: Convolution

  package init(
    _ options: OptionReader, for data: DataShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    self.init(
      NAFNetConfiguration(options, channels: data.channels ?? 3, diagnostics), in: scope)
  }

  /// Builds the layers for a configuration.
  package init(_ configuration: NAFNetConfiguration, in scope: Scope) {
    self.configuration = configuration
    let levels = configuration.levels
    func width(_ level: Int) -> Int { configuration.width << level }
    func blocks(_ scope: Scope, _ count: Int, level: Int) -> [NAFNetBlock] {
      let pool = NAFNetPool(configuration, level: level)
      return (0..<count).map {
        NAFNetBlock(scope / $0, width: width(level), configuration.block, pool: pool)
      }
    }
    func image(_ name: String, inputs: Int, outputs: Int) -> Convolution {
      Convolution(
        scope / name, inputs: inputs, outputs: outputs, kernel: [3, 3],
        geometry: .planar(padding: 1))
    }
    intro = image("intro", inputs: configuration.channels, outputs: width(0))
    encoders = configuration.encoderBlocks.enumerated().map { level, count in
      blocks(scope / "encoders" / level, count, level: level)
    }
    downs = (0..<levels).map { level in
      Convolution(
        scope / "downs" / level, inputs: width(level), outputs: width(level + 1), kernel: [2, 2],
        geometry: .planar(stride: 2))
    }
    middle = blocks(scope / "middle_blks", configuration.middleBlocks, level: levels)
    ups = (0..<levels).map { step in
      let inputs = width(levels - step)
      return Convolution(
        pointwise: scope / "ups" / step / 0, inputs: inputs, outputs: 2 * inputs, bias: false)
    }
    decoders = configuration.decoderBlocks.enumerated().map { step, count in
      blocks(scope / "decoders" / step, count, level: levels - 1 - step)
    }
    ending = image("ending", inputs: width(0), outputs: configuration.channels)
  }

  /// Paths are the reference's keys.
  package var layouts: [KeyLayout] { [KeyLayout("nafnet") { $0 }] }

  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    for shape in shapes.values {
      guard shape.count == 4, shape[2] > 0, shape[3] > 0 else {
        throw BackboneError("nafnet: input \(shape), expected axes B, C, H, W with pixels")
      }
      guard shape[1] == configuration.channels else {
        throw BackboneError(
          "nafnet: input \(shape) has \(shape[1]) channels, the model restores "
            + "\(configuration.channels). Set model.in_chans, or choose bands of the data")
      }
    }
  }

  /// Modules whose outputs `maps` can ask for, in the order of the forward pass.
  package var stages: [String] {
    let levels = 0..<configuration.levels
    return ["intro"] + levels.flatMap { ["encoders.\($0)", "downs.\($0)"] } + ["middle_blks"]
      + levels.flatMap { ["ups.\($0)", "decoders.\($0)"] }
  }

  /// The restored image from the degraded one, both `[batch, channel, height, width]` in 0…1.
  ///
  /// Any height and width: zeros are added at the bottom and the right, and cut off again. `maps` are
  /// numbers of `stages`, whose outputs on the padded grid are then features by name.
  package func callAsFunction(
    _ input: BackboneInput, maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput {
    let image = input.only
    let padded = padded(image)
    var trace = Trace(names: stages, wanted: maps)
    var x = trace(intro(padded, context))
    var skips: [Tensor] = []
    for (blocks, down) in zip(encoders, downs) {
      x = trace(run(blocks, x, context))
      skips.append(x)
      x = trace(down(x, context))
    }
    x = trace(run(middle, x, context))
    for (up, blocks) in zip(ups, decoders) {
      x = trace(up(x, context).pixelShuffled(by: [2, 2]))
      x = trace(run(blocks, x + skips.removeLast(), context))
    }
    let restored = ending(x, context) + padded
    return BackboneOutput(
      prediction: restored.sliced(axis: 2, 0..<image.shape[2])
        .sliced(axis: 3, 0..<image.shape[3]),
      features: trace.features)
  }

  private func padded(_ image: Tensor) -> Tensor {
    [2, 3].reduce(image) { image, axis in
      let rest = image.shape[axis] % configuration.unit
      return image.padded(axis: axis, before: 0, after: rest == 0 ? 0 : configuration.unit - rest)
    }
  }

  private func run(_ blocks: [NAFNetBlock], _ x: Tensor, _ context: ForwardContext) -> Tensor {
    blocks.reduce(x) { x, block in context.block(x) { block($0, $1) } }
  }
}

/// Keeps the outputs of the modules that are asked for, by name.
private struct Trace {
  let names: [String]
  let wanted: Set<Int>
  private(set) var features = Features()
  private var passed = 0

  init(names: [String], wanted: Set<Int>) {
    self.names = names
    self.wanted = wanted
  }

  /// The output of the next module.
  mutating func callAsFunction(_ output: Tensor) -> Tensor {
    if wanted.contains(passed) { features.named[names[passed]] = output }
    passed += 1
    return output
  }
}
