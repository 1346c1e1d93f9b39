internal import CKernels

/// A matrix `[depth, columns]` packed once for the kernels that multiply with it (products.h).
final class Panels: Sendable {
  let depth: Int
  let columns: Int
  let isHalf: Bool
  /// Panels one vector wide, for few columns.
  let isNarrow: Bool
  private let storage: Storage

  var pointer: UnsafeRawPointer { UnsafeRawPointer(storage.pointer) }

  /// Packs a matrix of single precision, or its transpose, in single precision or bf16.
  init(_ matrix: Tensor, transposed: Bool, isHalf: Bool = false) {
    precondition(matrix.rank == 2 && matrix.dtype == .f32, "panels of \(matrix.shape)")
    let (rows, width) = (matrix.shape[0], matrix.shape[1])
    depth = transposed ? width : rows
    columns = transposed ? rows : width
    self.isHalf = isHalf
    let table = attune_products().pointee
    isNarrow = columns <= table.narrow_width
    let (half, narrow) = (Int32(isHalf ? 1 : 0), Int32(isNarrow ? 1 : 0))
    storage = Storage(
      byteCount: max(1, attune_panel_elements(depth, columns, half, narrow) * (isHalf ? 2 : 4)))
    table.pack(
      matrix.pointer.assumingMemoryBound(to: Float.self), transposed ? 1 : width,
      transposed ? width : 1, depth, columns, 1, half, narrow, storage.pointer)
  }
}

/// A small matrix `[r, columns]` that more depth of a product multiplies with.
struct Addend: Sendable {
  let matrix: Tensor
  let panels: Panels

  init(_ matrix: Tensor) {
    self.matrix = matrix
    panels = Panels(matrix, transposed: false)
  }
}

/// A product with everything attached: y = activation(x · panels + extra + bias) + residual.
struct PanelProduct {
  /// `[rows, depth]`, f32 or bf16.
  var x: Tensor
  var rows: Int
  /// `[rows, r]` f32 against a matrix of depth r.
  var extra: (values: Tensor, matrix: Addend)?
  var bias: Tensor?
  /// `[rows, columns]`, f32.
  var residual: Tensor?
  /// Result, f32 or bf16.
  var y: Tensor
  /// What the activation was applied to, of the type of `y`; nil for no activation.
  var beforeGELU: Tensor?

  init(_ x: Tensor, rows: Int, into y: Tensor) {
    self.x = x
    self.rows = rows
    self.y = y
  }

  func run(_ panels: Panels) {
    var call = attune_product()
    call.rows = rows
    call.depth = panels.depth
    call.columns = panels.columns
    call.a = UnsafeRawPointer(x.pointer)
    call.a_stride = panels.depth
    call.a_half = x.dtype == .bf16 ? 1 : 0
    call.panels = panels.pointer
    call.panels_half = panels.isHalf ? 1 : 0
    call.narrow = panels.isNarrow ? 1 : 0
    if let extra {
      call.extra = extra.values.floats
      call.extra_panels = extra.matrix.panels.pointer.assumingMemoryBound(to: Float.self)
      call.extra_depth = extra.matrix.panels.depth
    }
    call.bias = bias?.floats
    call.residual = residual?.floats
    call.activation = Int32(beforeGELU == nil ? ATTUNE_IDENTITY : ATTUNE_GELU)
    call.y = y.pointer
    call.before = beforeGELU?.pointer
    call.y_half = y.dtype == .bf16 ? 1 : 0
    let scratch = attune_product_scratch(&call)
    let block = scratch > 0 ? Storage(byteCount: scratch * 4) : nil
    call.scratch = block?.pointer.assumingMemoryBound(to: Float.self)
    withExtendedLifetime((panels, block, extra?.matrix.panels)) {
      attune_products().pointee.product(&call)
    }
  }
}

extension PanelProduct {
  /// After x W alone in `y`: all that is attached, in passes of their own.
  func attachTheRest(columns: Int) {
    let table = kernels(y.dtype)
    let out = y.pointer
    if let extra {
      BLAS.multiply(
        y.dtype, a: extra.values.pointer, transposeA: false, b: extra.matrix.matrix.pointer,
        transposeB: false, c: out, m: rows, n: columns, k: extra.matrix.panels.depth, beta: 1)
    }
    if let bias { table.add_row(out, bias.pointer, out, rows, columns) }
    if let beforeGELU {
      beforeGELU.pointer.copyMemory(from: out, byteCount: y.byteCount)
      table.gelu(beforeGELU.pointer, out, y.elementCount)
    }
    if let residual { table.add(out, residual.pointer, out, y.elementCount) }
  }
}

extension Tensor {
  /// First element of a tensor in single precision.
  var floats: UnsafePointer<Float> {
    UnsafePointer(pointer.assumingMemoryBound(to: Float.self))
  }

  var mutableFloats: UnsafeMutablePointer<Float> {
    pointer.assumingMemoryBound(to: Float.self)
  }
}

/// `[r, columns]` = aᵀ b for `a` `[rows, r]` f32 and `b` `[rows, columns]`, f32 or bf16.
func outerProduct(_ a: Tensor, _ b: Tensor, rows: Int) -> Tensor {
  let (r, columns) = (a.elementCount / rows, b.elementCount / rows)
  let result = Tensor(uninitialized: [r, columns])
  attune_products().pointee.outer(
    a.floats, r, b.pointer, columns, b.dtype == .bf16 ? 1 : 0, rows, columns,
    result.mutableFloats)
  return result
}
