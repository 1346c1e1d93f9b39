package import Backbones
import Layers
import Recipes
import Tasks
import Tensors

/// A backbone with what turns its features into a task's outputs.
package struct TaskNetwork: Sendable {
  package let backbone: any Backbone
  let neck: (any Neck)?
  /// Nil where the backbone's own output is the task's: its head, or its image.
  let decoder: (any Decoder)?
  let form: OutputForm

  /// Scopes of the parts that belong to the task.
  static let neckScope = "neck"
  static let decoderScope = "decoder"
  /// Scope of a classification head that belongs to an architecture.
  static let headScope = "head"

  /// Raw outputs: `[batch, output]`, `[batch, output, height, width]`, or an image.
  func callAsFunction(_ input: BackboneInput, _ context: ForwardContext) -> Tensor {
    let image = input.values.values.first?.shape ?? []
    return output(
      of: backbone(input, maps: maps, context), imageSize: Array(image.suffix(2)), context)
  }

  /// Blocks whose feature maps are taken.
  var maps: Set<Int> { Set(neck?.blocks ?? decoder?.blocks ?? []) }

  /// The outputs that follow from what the backbone gives.
  ///
  /// Norms of neck and decoder use the statistics of the batch whenever they are trained, whatever
  /// those of a frozen backbone do.
  func output(
    of result: BackboneOutput, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    guard let decoder else {
      guard let own = form == .vector ? result.logits : result.prediction else {
        preconditionFailure("\(type(of: backbone).name) gives no \(form) of its own")
      }
      return own
    }
    let context = context.usingBatchStatistics(context.isTraining)
    let features = neck.map { $0(result.features, context) } ?? result.features
    return decoder(features, imageSize: imageSize, context)
  }

  /// The backbone's layouts, with the task's parts under their own paths.
  var layouts: [KeyLayout] {
    let (necks, decoders) = (
      neck.map { type(of: $0).layouts[0] }, decoder.map { type(of: $0).layouts[0] }
    )
    return backbone.layouts.map { layout in
      guard necks != nil || decoders != nil else { return layout }
      return KeyLayout(
        layout.name, recognizes: layout.recognizes, ignores: layout.ignores,
        heads: { layout.isHead($0) || Self.isOfTask($0) }
      ) { path in
        if path.hasPrefix(Self.neckScope + "."), let necks { return necks.parts(of: path) }
        if path.hasPrefix(Self.decoderScope + "."), let decoders { return decoders.parts(of: path) }
        return layout.parts(of: path)
      }
    }
  }

  /// Whether a path lies in the neck or decoder.
  static func isOfTask(_ path: String) -> Bool {
    path.hasPrefix(neckScope + ".") || path.hasPrefix(decoderScope + ".")
  }

  /// Whether a parameter of the model is part of the task: of neck, decoder, or an architecture's own
  /// head where that is the task's.
  func isOfTask(_ path: String) -> Bool {
    Self.isOfTask(path)
      || decoder == nil && form == .vector && path.hasPrefix(Self.headScope + ".")
  }

  /// Refuses batches that neck or decoder cannot take.
  func check(imageSize: [Int], samples: Int) throws(TaskError) {
    try neck?.check(imageSize: imageSize)
    try decoder?.check(imageSize: imageSize, samples: samples, isTraining: true)
  }
}
