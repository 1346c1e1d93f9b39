import Recipes
package import Tensors

/// The batch transforms of a recipe: each batch takes one of them, or none.
///
/// As timm's `Mixup` in mode `batch`: with both named, a batch is cut with the chance `switch_prob` of
/// cutmix, else blended; the one that was drawn is applied with its chance `prob`.
package struct BatchMixing: Sendable {
  private let changes: [any BatchTransform]

  /// Nil for no changes.
  package init?(_ changes: [any BatchTransform]) {
    guard !changes.isEmpty else { return nil }
    self.changes = changes
  }

  /// Reads those transforms of a section that change batches.
  ///
  /// One named twice, and tasks whose targets cannot be mixed, are refused.
  init?(_ section: DataSection, _ target: TargetKind, _ diagnostics: Diagnostics) {
    var found: [any BatchTransform] = []
    var names: [String] = []
    var choosesAt: SourceLocation?
    for component in section.transforms where batchTransforms[component.name] != nil {
      func refuse(_ reason: String, mend: String) {
        diagnostics.error(
          .rule(reason, mend: mend), at: component.location, path: "data.transforms")
      }
      guard let (entry, reader) = batchTransforms.reading(component, diagnostics) else { continue }
      if target != .label, target != .shares {
        refuse(
          "\(component.name) mixes samples and their classes, the task has \(target.meaning)",
          mend: "remove it, or choose task classification or proportions")
      }
      if names.contains(component.name) {
        refuse("\(component.name) is named twice", mend: "remove one")
      }
      names.append(component.name)
      if component.name == CutMix.name, reader.isGiven("switch_prob") {
        choosesAt = component.location
      }
      found.append(entry.init(reader, diagnostics))
    }
    if found.count == 1, let choosesAt {
      diagnostics.error(
        .rule("switch_prob chooses between cutmix and mixup", mend: "remove it, or name mixup too"),
        at: choosesAt, path: "data.transforms")
    }
    self.init(found)
  }

  /// Names as recipes write them.
  package var names: [String] { changes.map { type(of: $0).name } }

  /// The batch of a step with mixed images, and class targets as shares.
  ///
  /// Fields that are no images (wavelengths, resolution) stay as they are: samples of a source share
  /// them. What is drawn is a function of seed and step.
  ///
  /// - Parameters:
  ///   - batch: inputs f32 `[sample, channel, row, column]` of one size; `target` i32 `[sample]`, or f32
  ///     `[sample, class]`.
  ///   - inputs: names of the images.
  ///   - classes: number of classes, for a target of indices.
  ///   - ignored: class that counts nowhere: it gives no share, so shares of its samples sum up to less.
  ///   - seed: the run's.
  ///   - step: number of the batch.
  /// - Returns: the fields of the same shapes, `target` f32 `[sample, class]`.
  /// - Throws: `DataError.optionInvalid` for images of different sizes, or a target of another form.
  package func callAsFunction(
    _ batch: [String: Tensor], inputs: [String], classes: Int, ignored: Int, seed: UInt64, step: Int
  ) throws(DataError) -> [String: Tensor] {
    // No sample has this number, so no other stream of augmentation is this one.
    var random = Philox(
      seed: seed, purpose: .augmentation, step: step, index: Int(UInt32.max))
    let change = drawn(&random)
    return try change.mixed(
      batch, inputs: inputs, classes: classes, ignored: ignored, &random)
  }

  private func drawn(_ random: inout Philox) -> any BatchTransform {
    guard let cut = changes.first(where: { $0 is CutMix }) as? CutMix, changes.count > 1,
      let other = changes.first(where: { !($0 is CutMix) })
    else { return changes[0] }
    return random.uniform() < cut.switchProbability ? cut : other
  }
}
