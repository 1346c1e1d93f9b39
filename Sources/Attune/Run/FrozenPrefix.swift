package import Adapters
package import Backbones
import Foundation
package import Layers
import Recipes
package import Tensors

/// The part of a backbone below the first value that training changes, and how to go on from there.
///
/// What it gives for a sample never changes during a run, so that it can be computed once.
package struct FrozenPrefix: Sendable {
  package let network: any BlockSequence
  /// Number of the first block that is not part of it.
  package let cut: Int
  /// What it is computed in.
  var precision = Precision.fp32

  /// Field of a batch that holds what enters block `cut`.
  package static let features = "features"
  /// Field of a batch that holds the shape of the sample that they were computed from, i64.
  package static let inputShape = "features.shape"

  /// The part below block `cut`.
  package init(_ network: any BlockSequence, below cut: Int) {
    self.network = network
    self.cut = cut
  }

  /// What is below the values that a model's training changes.
  ///
  /// `movesStatistics` says whether batch norms record the statistics of the batch.
  /// - Throws: `RunError.featuresChange` where nothing lies below, or what does is not the same in
  ///   every epoch.
  package init(
    of model: AdaptedModel, in network: Network, named name: String, movesStatistics: Bool
  ) throws(RunError) {
    guard let backbone = network.backbone else {
      throw .featuresChange(
        reason: "task pretrain-mae draws the masks of a sample anew in every epoch",
        remedy: "Leave the field out")
    }
    guard let sequence = backbone as? any BlockSequence else {
      let others = Registries.standard.backbones.entries.filter { $0 is any BlockSequence.Type }
      throw .featuresChange(
        reason: "model.backbone: \(name) cannot be cut between its blocks",
        remedy: "Leave the field out, or use \(others.map { $0.name }.joined(separator: " or "))")
    }
    let changed =
      (model.trainable.map(\.path) + model.tree.sites.filter(\.isAdapted).map(\.path)
      + model.tree.blocks.filter(\.isAdapted).map { $0.path + ".stream" })
      .filter { !network.isOfTask($0) }
    let lowestMap: Int? = { if case .task(let task) = network { task.maps.min() } else { nil } }()
    guard let first = sequence.firstBlock(changedBy: changed) else {
      let lowest = changed.first { sequence.firstBlock(changedBy: [$0]) == nil } ?? ""
      throw .featuresChange(
        reason: "\(lowest) is trained, and nothing frozen lies below it",
        remedy: "Train later parts alone (adapter.target_modules, adapter.layers_to_transform, "
          + "adapter.modules_to_save, model.freeze_backbone), or leave the field out")
    }
    let cut = min(first, lowestMap ?? first)
    let drawn = sequence.randomness(before: cut)
    guard drawn.isEmpty else {
      throw .featuresChange(
        reason: "model.backbone draws anew below block \(cut), the first that is trained: "
          + drawn.joined(separator: ", "),
        remedy: "Set these options to 0, or leave the field out")
    }
    let statistics = model.tree.buffers.map(\.path).first {
      $0.hasSuffix(".running_mean") && sequence.isBelow(cut, $0)
    }
    if movesStatistics, let statistics {
      throw .featuresChange(
        reason: "\(statistics) moves while training and lies below block \(cut), the first that is "
          + "trained", remedy: "Start from weights and freeze the backbone, or leave the field out")
    }
    self.init(sequence, below: cut)
  }

  /// What enters block `cut`, samples first, with the shape of the input as rows `[batch, rank − 1]`.
  package func callAsFunction(_ input: BackboneInput) -> [String: Tensor] {
    let shape = input.only.shape
    let row = shape.dropFirst().map { Int64($0) }
    var context = ForwardContext.evaluation
    context.precision = precision
    let rows = [[Int64]](repeating: row, count: shape[0]).flatMap { $0 }
    return [
      Self.features: network.hidden(input, before: cut, context).detached(),
      Self.inputShape: Tensor(rows, shape: [shape[0], row.count]),
    ]
  }

  /// The rest of the forward pass; nil for fields that hold no features.
  package func output(
    _ fields: [String: Tensor], maps: Set<Int> = [], _ context: ForwardContext
  ) -> BackboneOutput? {
    guard let features = fields[Self.features], let rows = fields[Self.inputShape] else {
      return nil
    }
    let row = rows.sliced(axis: 0, 0..<1).elements(as: Int64.self).map { Int($0) }
    return network.output(
      of: features, from: cut, inputShape: [features.shape[0]] + row, maps: maps, context)
  }

  /// Height and width of the images that the features of a batch were computed from.
  func imageSize(_ fields: [String: Tensor]) -> [Int] {
    guard let rows = fields[Self.inputShape] else { return [] }
    return rows.sliced(axis: 0, 0..<1).elements(as: Int64.self).suffix(2).map { Int($0) }
  }

  /// SHA-256 over all values below the cut, however they came there.
  func digest(of tree: ModuleTree) -> String {
    SHA256Digest.of(
      tree.stored.filter { network.isBelow(cut, $0.path) }.map { parameter in
        let value = parameter.value
        let bytes = Data(bytes: value.pointer, count: value.byteCount)
        return "\(parameter.path) \(value.shape) \(SHA256Digest.of(bytes))"
      }.joined(separator: "\n"))
  }
}
