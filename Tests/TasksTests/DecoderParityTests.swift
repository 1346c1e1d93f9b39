import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("Decoders beside their references", .enabled(if: Shared.isPresent, "../shared is absent"))
struct DecoderParityTests {
  @Test("pyramid, logits, loss and gradients", arguments: Fixture.all(in: "decoders"))
  func agrees(fixture: Fixture) throws {
    let stored = try DecoderCase(fixture)
    let leaves = stored.tokens.map { _ in Node() }
    let maps = zip(stored.tokens, leaves).map { stored.map($0.tracked(by: $1)) }
    for (level, map) in try stored.pyramid(of: maps).enumerated() {
      try stored.expectClose(map, "output.pyramid.\(level)")
    }
    let logits = stored.model(maps, imageSize: stored.imageSize, .evaluation)
    try stored.expectClose(logits, "output.logits")
    let loss = try stored.loss(logits)
    try stored.expectClose(loss.reshaped(to: [1]), "loss")
    let gradients = loss.gradients()
    for (index, leaf) in leaves.enumerated() {
      let zeros = Tensor(zeros: stored.tokens[index].shape)
      try stored.expectGradient(gradients[leaf] ?? zeros, "grad_input.tokens.\(index)")
    }
    for (key, parameter) in stored.parameters where !parameter.isBuffer {
      if stored.withoutGradient.contains(key) {
        #expect(gradients[parameter.leaf] == nil, "\(key)")
      } else {
        try stored.expectGradient(try #require(gradients[parameter.leaf], "\(key)"), "grad." + key)
      }
    }
    if stored.file.names.contains("output.train.logits") {
      let training = stored.model(
        maps, imageSize: stored.imageSize, ForwardContext.evaluation.usingBatchStatistics(true))
      try stored.expectClose(training, "output.train.logits")
      try stored.expectClose(try stored.loss(training).reshaped(to: [1]), "loss.train")
    }
    Parity.passed(fixture.name)
  }
}

/// A stored case with our model for it, weights loaded.
private struct DecoderCase {
  let file: SafetensorsFile
  let model: DecoderModel
  let tokens: [Tensor]
  let parameters: [(key: String, parameter: Parameter)]
  let withoutGradient: [String]
  private let labels: Tensor
  private let grid: Int

  var imageSize: [Int] { Array(labels.shape[1...]) }

  /// How a case is built here: our components and options, and the case's own spelling of keys.
  private struct Plan {
    var decoder: any Decoder.Type
    var options: PlainValue = [:]
    var layout = "attune"
    var neck: (any Neck.Type)?
    /// Prefixes of our programs' keys that the case writes otherwise, first match.
    var spelling: [(ours: String, stored: String)] = []
  }

  private static let plans: [String: Plan] = [
    "linear_transpose_p8": Plan(decoder: LinearTransposeDecoder.self, layout: "terratorch"),
    "upernet_learned_neck_c12": Plan(
      decoder: UPerNet.self, options: ["channels": 12], layout: "terratorch",
      neck: LearnedNeck.self),
    "upernet_hf_same_width_neck": Plan(
      decoder: UPerNet.self, options: ["variant": "transformers", "channels": 10],
      layout: "transformers", neck: FeatureToPyramidNeck.self,
      spelling: [("decode_head.", "decoder.")]),
    "fpn_neck_c12_1x1head": Plan(
      decoder: FeaturePyramidDecoder.self, options: ["channels": 12], layout: "terratorch",
      neck: LearnedNeck.self,
      spelling: [("neck.fpn1.", "neck.pyr.fpn1."), ("neck.fpn2.", "neck.pyr.fpn2.")]),
    "fpn_semantic_add": Plan(
      decoder: SemanticFPN.self,
      options: ["pyramid_channels": 8, "segmentation_channels": 32],
      layout: "segmentation_models_pytorch", neck: LearnedNeck.self,
      spelling: [("segmentation_head.0.", "head.head.2."), ("decoder.", "decoder.d.")]),
  ]

  init(_ fixture: Fixture) throws {
    let description = try #require(try JSONValue(contentsOf: fixture.json.path).object)
    let config = try #require(description["config"]?.object)
    let name = try #require(description["case"]?.string)
    let plan = try #require(Self.plans[name], "no plan for \(name)")
    let width = try #require(config["embed_dim"]?.integer)
    grid = try #require(config["grid"]?.integer)
    withoutGradient = (description["parameters_without_gradient"]?.array ?? [])
      .compactMap(\.string)
    file = try SafetensorsFile(path: fixture.tensors.path)
    let stored = try file.tensor("input.labels")
    labels = Tensor(stored.elements(as: Int64.self).map { Int32($0) }, shape: stored.shape)
    tokens = try (0..<4).map { [file] in try file.tensor("input.tokens.\($0)") }
    let patch = labels.shape[1] / grid
    let features = FeatureShape(width: width, blocks: 4, patch: [patch, patch])
    model = try DecoderModel(
      plan.decoder, plan.options, neck: plan.neck, features: features,
      outputs: try #require(config["num_classes"]?.integer))
    let layout = try #require(plan.decoder.layouts.first { $0.name == plan.layout })
    parameters = model.tree.stored.map { parameter in
      let key = layout.key(of: parameter.path)
      guard !parameter.path.hasPrefix("neck.") || plan.layout == "terratorch" else {
        return (key, parameter)
      }
      let rule = plan.spelling.first { key.hasPrefix($0.ours) }
      return (rule.map { $0.stored + key.dropFirst($0.ours.count) } ?? key, parameter)
    }
    for (key, parameter) in parameters {
      let value = try file.tensor("weight." + key)
      #expect(value.shape == parameter.shape, "\(key)")
      parameter.value = value
    }
    let known = Set(parameters.map { "weight." + $0.key })
    #expect(file.names.filter { $0.hasPrefix("weight.") && !known.contains($0) } == [])
  }

  /// Tokens `[batch, 1 + grid², width]` as a map, without the class token.
  func map(_ tokens: Tensor) -> Tensor {
    tokens.sliced(axis: 1, 1..<(1 + grid * grid)).permuted([0, 2, 1])
      .reshaped(to: [tokens.shape[0], tokens.shape[2], grid, grid])
  }

  /// What the case calls the pyramid: the maps before the decoder, of the FPN its levels.
  func pyramid(of maps: [Tensor]) throws -> [Tensor] {
    guard model.neck != nil else { return maps }
    let pyramid = model.pyramid(of: maps, .evaluation).pyramid
    let network = model.decoder as? FeaturePyramidDecoder
    return network?.levels(of: pyramid, .evaluation) ?? pyramid
  }

  func loss(_ logits: Tensor) throws -> Tensor {
    crossEntropy(logits.permuted([0, 2, 3, 1]), labels: labels, ignoring: 255)
  }

  /// The README's rule for outputs: 2e-5, relative above 1.
  func expectClose(_ found: Tensor, _ name: String) throws {
    let expected = try file.tensor(name)
    #expect(found.shape == expected.shape, "\(name)")
    let error = zip(found.elements(as: Float.self), expected.elements(as: Float.self))
      .reduce(0) { max($0, abs($1.0 - $1.1) / max(1, abs($1.1))) }
    #expect(error <= 2e-5, "\(name)")
  }

  /// The README's rule for gradients: 1e-4 of the largest entry.
  func expectGradient(_ found: Tensor, _ name: String) throws {
    let expected = try file.tensor(name)
    #expect(found.shape == expected.shape, "\(name)")
    #expect(
      found.largestDifference(from: expected) <= 1e-4 * expected.largestMagnitude, "\(name)")
  }
}
