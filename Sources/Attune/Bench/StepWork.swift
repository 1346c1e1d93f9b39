package import Backbones

/// Floating-point operations of the products in one step, counted by hand from the architecture.
///
/// A product of `[rows, inputs]` with `[inputs, outputs]` is 2 · rows · inputs · outputs. In training
/// it counts again for the gradient of its input where something trainable lies below, and again for
/// the gradient of a trained weight. Attention over q queries and k keys of width d (heads together)
/// is 4 q k d forward and 10 q k d backward: scores are computed again there. Convolutions are
/// products of outputs with the taps that can meet data; borders count in full. Norms, activations,
/// element-wise work and the optimizer are left out. What a program saves by cleverness is not taken
/// off, so that its share of the ceiling rises by it.
package struct StepWork: Sendable {
  package let isTraining: Bool
  package private(set) var operations = 0.0

  package init(isTraining: Bool) { self.isTraining = isTraining }

  /// Adds a product.
  package mutating func product(
    rows: Int, inputs: Int, outputs: Int, isTrained: Bool = false, passesGradient: Bool = true
  ) {
    let once = 2 * Double(rows) * Double(inputs) * Double(outputs)
    let backward = (isTrained ? 1.0 : 0) + (passesGradient ? 1.0 : 0)
    operations += once * (isTraining ? 1 + backward : 1)
  }

  /// Adds LoRA beside a product: down to `rank`, and up again.
  package mutating func lora(
    rows: Int, inputs: Int, outputs: Int, rank: Int, passesGradient: Bool = true
  ) {
    product(
      rows: rows, inputs: inputs, outputs: rank, isTrained: true, passesGradient: passesGradient)
    product(rows: rows, inputs: rank, outputs: outputs, isTrained: true)
  }

  /// Adds `count` attentions of all their heads.
  package mutating func attention(count: Int, queries: Int, keys: Int, width: Int) {
    let pairs = Double(count) * Double(queries) * Double(keys) * Double(width)
    operations += pairs * (isTraining ? 14 : 4)
  }
}

extension StepWork {
  /// A vision transformer with LoRA on the four layers of every block and a trained head.
  ///
  /// Nothing trainable lies below the first block's queries, keys and values.
  package mutating func countViT(
    _ vit: ViTConfiguration, images: Int, rank: Int, classes: Int
  ) {
    let patches = zip(vit.imageSize, vit.patch).map { $0 / $1 }.reduce(1, *)
    let rows = images * (patches + vit.prefixCount)
    let hidden = Int(Double(vit.width) * vit.mlpRatio)
    product(
      rows: images * patches, inputs: vit.channels * vit.patch.reduce(1, *), outputs: vit.width,
      passesGradient: false)
    for block in 0..<vit.depth {
      let layers = [
        (inputs: vit.width, outputs: 3 * vit.width, passes: block > 0),
        (vit.width, vit.width, true), (vit.width, hidden, true), (hidden, vit.width, true),
      ]
      for (inputs, outputs, passes) in layers {
        product(rows: rows, inputs: inputs, outputs: outputs, passesGradient: passes)
        lora(rows: rows, inputs: inputs, outputs: outputs, rank: rank, passesGradient: passes)
      }
      attention(
        count: images, queries: rows / images, keys: rows / images, width: vit.width)
    }
    product(rows: images, inputs: vit.pooledWidth, outputs: classes, isTrained: true)
  }

  /// MORPH on states of the shape `[batch, time, field, component, depth, height, width]`.
  ///
  /// `ranks` are LoRA's in attention and MLP, nil where all parameters are trained.
  package mutating func countMorph(
    _ morph: MorphConfiguration, shape: [Int], ranks: (attention: Int, mlp: Int)?
  ) {
    let trainsAll = ranks == nil
    let grid = Array(shape[4...])
    let patch = patchSizes(morph.patch, grid: grid)
    let counts = zip(grid, patch).map { $0 / $1 }
    let (fields, images) = (shape[2], shape[0] * shape[1])
    let cells = images * fields * grid.reduce(1, *)
    let tokens = images * counts.reduce(1, *)
    let dim = morph.dim
    product(
      rows: cells, inputs: morph.maxComponents, outputs: 8, isTrained: trainsAll,
      passesGradient: false)
    let taps = grid.reduce(1) { $0 * ($1 > 1 ? 3 : 1) }
    var widths = [8]
    while widths[widths.count - 1] < morph.filters {
      widths.append(min(2 * widths[widths.count - 1], morph.filters))
    }
    for (inputs, outputs) in zip(widths, widths[1...] + [morph.filters]) {
      product(
        rows: cells, inputs: inputs * taps, outputs: outputs, isTrained: trainsAll,
        passesGradient: trainsAll)
    }
    func whole(_ work: inout StepWork, _ rows: Int, _ inputs: Int, _ outputs: Int) {
      work.product(
        rows: rows, inputs: inputs, outputs: outputs, isTrained: trainsAll,
        passesGradient: trainsAll)
    }
    whole(&self, fields * tokens, patch.reduce(1, *) * morph.filters, dim)
    for _ in 0..<(fields > 1 ? 2 : 1) { whole(&self, fields * tokens, dim, dim) }
    if fields > 1 {
      let isPassing = trainsAll ? 14.0 : 4.0
      operations += (isTraining ? isPassing : 4) * Double(tokens * fields * dim)
    }
    whole(&self, tokens, dim, dim)
    for _ in 0..<morph.depth {
      for (index, length) in ([shape[1]] + counts).enumerated() where index > 0 || length > 1 {
        // An axis of length 1 passes the value through: two projections instead of four.
        for _ in 0..<(length > 1 ? 4 : 2) {
          adapted(rows: tokens, inputs: dim, outputs: dim, rank: ranks?.attention)
        }
        if length > 1 {
          attention(count: tokens / length, queries: length, keys: length, width: dim)
        }
      }
      adapted(rows: tokens, inputs: dim, outputs: morph.mlpDim, rank: ranks?.mlp)
      adapted(rows: tokens, inputs: morph.mlpDim, outputs: dim, rank: ranks?.mlp)
    }
    product(
      rows: tokens / shape[1], inputs: dim, outputs: fields * shape[3] * patch.reduce(1, *),
      isTrained: trainsAll)
  }

  /// A layer that is trained itself, or frozen under LoRA.
  private mutating func adapted(rows: Int, inputs: Int, outputs: Int, rank: Int?) {
    product(rows: rows, inputs: inputs, outputs: outputs, isTrained: rank == nil)
    if let rank { lora(rows: rows, inputs: inputs, outputs: outputs, rank: rank) }
  }

  /// LoLA-SpecViT on patches of `bands` components, with gate and residual in the blocks.
  ///
  /// Tokens of zeros that fill up windows count as keys, not as rows. With adapters alone nothing
  /// trainable lies below the first block's queries, keys and values.
  package mutating func countLoLA(
    _ lola: LoLASpecViTConfiguration, patches: Int, bands: Int, rank: Int, trainsAll: Bool
  ) {
    let pixels = patches * lola.spatialSize * lola.spatialSize
    let widths = [1, 32, 64, lola.dim]
    for (index, depth) in [7, 5, 3].enumerated() {
      product(
        rows: pixels * bands, inputs: widths[index] * depth * 9, outputs: widths[index + 1],
        isTrained: trainsAll, passesGradient: trainsAll && index > 0)
    }
    var side = lola.spatialSize / 2
    product(
      rows: patches * side * side, inputs: 16 * lola.dim, outputs: lola.dim, isTrained: trainsAll,
      passesGradient: trainsAll)
    for (stage, depth) in lola.depths.enumerated() {
      let width = lola.dim << stage
      let hidden = Int(Double(width) * lola.mlpRatio)
      let rows = patches * side * side
      let keys = lola.windows[stage] * lola.windows[stage]
      for block in 0..<depth {
        let passes = trainsAll || stage + block > 0
        for (inputs, outputs, passes) in [
          (width, 3 * width, passes), (width, width, true), (width, hidden, true),
          (hidden, width, true),
        ] {
          product(
            rows: rows, inputs: inputs, outputs: outputs, isTrained: trainsAll,
            passesGradient: passes)
          lora(rows: rows, inputs: inputs, outputs: outputs, rank: rank, passesGradient: passes)
          for _ in ["gate", "residual"] {
            product(
              rows: rows, inputs: inputs, outputs: outputs, isTrained: true,
              passesGradient: passes)
          }
        }
        for _ in ["w1", "w2", "w3"] {
          product(rows: rows, inputs: hidden, outputs: hidden, isTrained: trainsAll)
        }
        attention(count: rows, queries: 1, keys: keys, width: width)
      }
      guard stage + 1 < lola.depths.count else { continue }
      side = (side + 1) / 2
      product(rows: rows * width, inputs: 9, outputs: 1, isTrained: trainsAll)
      product(rows: rows, inputs: width, outputs: 2 * width, isTrained: trainsAll)
      product(
        rows: patches * side * side, inputs: 9 * 2 * width, outputs: 2 * width,
        isTrained: trainsAll)
    }
    let last = lola.dim << (lola.depths.count - 1)
    product(rows: patches, inputs: last, outputs: lola.classes ?? 0, isTrained: trainsAll)
    lora(rows: patches, inputs: last, outputs: lola.classes ?? 0, rank: rank)
  }
}
