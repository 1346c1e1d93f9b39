package import Checkpoints
package import Layers
package import Tensors

/// A trained layer of few bits as it is deployed: whole numbers with their grids, and no adapter.
package struct LowBitLayer: Sendable {
  package let weight: GridWeight
  /// Of the layer's weight, rows first.
  package let shape: [Int]
  package let bias: Tensor?
  /// Grid and bits of the input; nil where it stays in full.
  package let input: (grid: AffineGrid, bits: Int)?

  /// What a change makes of a layer; nil for one that gives no layer of few bits.
  package init?(_ change: any SiteChange, _ layer: SiteRows) {
    guard let map = change as? LowBitMap else { return nil }
    let rounded = map.rounded(layer.weight, layer).detached()
    let grids = zip(
      map.step.value.elements(as: Float.self), map.zero.value.elements(as: Float.self)
    ).map { AffineGrid(step: $0, zero: $1) }
    weight = GridWeight(rounded, grids: grids, bits: map.bits)
    shape = layer.site.weight.shape
    bias = layer.bias?.detached()
    input = map.input.map { input in
      let zero = input.zero.value.elements(as: Float.self)[0].rounded(.toNearestOrEven)
      let step = input.step.value.elements(as: Float.self)[0]
      return (AffineGrid(step: step, zero: zero), input.bits)
    }
  }

  /// Tensors of the layer by their names below the module.
  ///
  /// `weight_codes` u8, all rows of the matricised weight one after another in `weight_bits` bits a value, the
  /// lowest bit first; `weight_step` f32 and `weight_zero_point` i32 `[rows]`; `weight_shape` i32; where
  /// the input has a grid `input_step` f32, `input_zero_point` i32 and `input_bits` i32 `[1]`; `bias` f32
  /// where there is one. A weight is (code − z) δ of its row.
  package var tensors: [StoredValue] {
    func whole(_ values: [Float]) -> Tensor {
      Tensor(values.map { Int32($0) }, shape: [values.count])
    }
    var values = [
      StoredValue("weight_codes", weight.codes), StoredValue("weight_step", weight.steps),
      StoredValue("weight_zero_point", whole(weight.zeros.elements(as: Float.self))),
      StoredValue("weight_bits", whole([Float(weight.bits)])),
      StoredValue("weight_shape", whole(shape.map { Float($0) })),
    ]
    if let input {
      values += [
        StoredValue("input_step", Tensor([input.grid.step], shape: [1])),
        StoredValue("input_zero_point", whole([input.grid.zero])),
        StoredValue("input_bits", whole([Float(input.bits)])),
      ]
    }
    if let bias { values.append(StoredValue("bias", bias)) }
    return values
  }

  /// Reads the layer of a module from a file.
  ///
  /// - Throws: `CheckpointError` for what is missing, `AdapterError.malformed` for sizes that do not fit.
  package init(_ file: SafetensorsFile, module: String) throws {
    func tensor(_ name: String) throws -> Tensor { try file.tensor("\(module).\(name)") }
    func has(_ name: String) -> Bool { file.entry("\(module).\(name)") != nil }
    func number(_ name: String) throws -> Float { Float(try tensor(name).integers.first ?? 0) }
    let bits = Int(try number("weight_bits"))
    shape = try tensor("weight_shape").integers
    let codes = try tensor("weight_codes").copied()
    let count = shape.reduce(1, *)
    guard (1...8).contains(bits), codes.elementCount == BitPacking.byteCount(count, bits: bits)
    else {
      throw AdapterError.malformed(
        path: file.path,
        reason: "\(module).weight_codes has \(codes.elementCount) bytes, expected "
          + "\(BitPacking.byteCount(count, bits: max(1, bits))) for \(shape) in \(bits) bits. "
          + "Export the run again")
    }
    let zeros = try tensor("weight_zero_point").integers.map { Float($0) }
    let steps = try tensor("weight_step").copied()
    guard zeros.count == shape[0], steps.elementCount == shape[0] else {
      throw AdapterError.malformed(
        path: file.path,
        reason: "\(module) has \(steps.elementCount) steps and \(zeros.count) zero points for "
          + "\(shape[0]) rows. Export the run again")
    }
    weight = GridWeight(
      codes: codes, steps: steps, zeros: Tensor(zeros, shape: [zeros.count]), bits: bits)
    bias = has("bias") ? try tensor("bias").copied() : nil
    input =
      has("input_bits")
      ? (
        AffineGrid(
          step: try tensor("input_step").elements(as: Float.self)[0],
          zero: try number("input_zero_point")),
        Int(try number("input_bits"))
      ) : nil
  }

  /// The layer's output: the input on its grid times the weight of whole numbers and steps.
  ///
  /// - Parameters:
  ///   - x: the layer's input.
  ///   - layer: gives the kind of product and its geometry alone.
  /// - Returns: `[..., rows]` or `[batch, rows, size...]`.
  package func output(_ x: Tensor, of layer: SiteRows) -> Tensor {
    let matrix = weight.tensor([shape[0], shape.dropFirst().reduce(1, *)])
    let rounded = input.map { input in
      let (step, zero) = (
        Tensor([input.grid.step], shape: [1]), Tensor([input.grid.zero], shape: [1])
      )
      return GridRounding(x.detached(), steps: step, zeros: zero, bits: input.bits)
        .byOne(step: step, zero: zero)
    }
    return layer.applied(matrix, bias: bias, to: rounded ?? x)
  }
}

extension AdaptedModel {
  /// The layers that adapters made layers of few bits, by site.
  package var lowBitLayers: [(site: AdaptationSite, layer: LowBitLayer)] {
    adapters.flatMap(\.modules).compactMap { target, change in
      LowBitLayer(change, target.layer).map { (target.site, $0) }
    }
  }
}
