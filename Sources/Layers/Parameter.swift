import Synchronization
package import Tensors

/// How a parameter gets its first values.
package enum Initialization: Sendable, Equatable {
  case zeros
  case ones
  /// Uniform in ±bound.
  case uniform(bound: Double)
  /// Normal with mean 0.
  case normal(standardDeviation: Double)
  /// Normal with mean 0, drawn again beyond two deviations.
  case truncatedNormal(standardDeviation: Double)
  case constant(Double)
  /// Computed values in row-major order, such as a table of fixed positions.
  case values([Float])

  /// The framework default of linear and convolution layers: uniform in ±1/√fanIn
  /// (Kaiming uniform with a = √5).
  package static func fanIn(_ count: Int) -> Initialization {
    .uniform(bound: 1 / Double(count).squareRoot())
  }
}

/// A named value of a model: the one place that an optimizer updates.
///
/// The path is the checkpoint key. A parameter is frozen or trainable; a frozen matrix is packed
/// once for its products. A buffer is stored with the model and never trained.
package final class Parameter: Sendable {
  /// Dotted path from the model's root, such as `blocks.3.attn.qkv.weight`.
  package let path: String
  package let shape: [Int]
  package let dtype: DType
  package let initialization: Initialization
  /// Whether the value is stored with the model but no optimizer touches it.
  package let isBuffer: Bool
  /// The parameter's place on the tape.
  package let leaf = Node()

  private struct State {
    /// Nil until drawn, loaded or read: a model that is only described takes no memory.
    var value: Tensor? {
      didSet {
        pending = nil
        compact = nil
      }
    }
    /// What is kept in place of the value; the value is made anew wherever it is asked for.
    var compact: (any CompactValue)?
    /// Makes the value where it is asked for first; nil where nothing is to be computed.
    var pending: (@Sendable () -> Tensor)?
    var isTrainable: Bool
    var packed: [Packing: FrozenWeight] = [:]
    /// Grows whenever the values change.
    var version = 0

    mutating func changed() {
      packed = [:]
      version += 1
    }

    /// The value, zeros where none was given.
    mutating func current(_ shape: [Int], _ dtype: DType) -> Tensor {
      if let value { return value }
      if let compact { return compact.tensor(shape) }
      let made = pending?() ?? Tensor(zeros: shape, dtype: dtype)
      precondition(made.shape == shape, "a computed value \(made.shape), expected \(shape)")
      value = made
      return made
    }
  }
  private let state: Mutex<State>

  /// Which part of a matrix is packed, and for which products.
  private struct Packing: Hashable {
    let rows: Int
    let columns: Int
    let precision: Precision
  }

  package init(
    path: String, shape: [Int], dtype: DType = .f32, initialization: Initialization,
    isBuffer: Bool = false
  ) {
    self.path = path
    self.shape = shape
    self.dtype = dtype
    self.initialization = initialization
    self.isBuffer = isBuffer
    state = Mutex(State(isTrainable: !isBuffer))
  }

  /// A buffer whose value is computed where it is asked for first, and never where it is loaded
  /// before.
  package init(path: String, shape: [Int], computed: @escaping @Sendable () -> Tensor) {
    self.path = path
    self.shape = shape
    dtype = .f32
    initialization = .zeros
    isBuffer = true
    state = Mutex(State(pending: computed, isTrainable: false))
  }

  package var elementCount: Int { shape.reduce(1, *) }

  /// The values, off the tape; setting them drops what was packed.
  package var value: Tensor {
    get { state.withLock { $0.current(shape, dtype) } }
    set {
      precondition(newValue.shape == shape, "\(path): value \(newValue.shape), expected \(shape)")
      state.withLock {
        $0.value = newValue.detached()
        $0.changed()
      }
    }
  }

  /// What is kept in place of a frozen value, in fewer bits; nil where the value itself is.
  ///
  /// Setting the value, or training it, ends that.
  package var compact: (any CompactValue)? { state.withLock { $0.compact } }

  /// Keeps a frozen value in fewer bits: it is made anew at every use.
  package func keep(_ compact: any CompactValue) {
    state.withLock {
      $0.value = nil
      $0.compact = compact
      $0.isTrainable = false
      $0.changed()
    }
  }

  /// Whether a value was drawn, loaded or read, or is still to be computed.
  package var isSet: Bool {
    state.withLock { $0.value != nil || $0.pending != nil || $0.compact != nil }
  }

  /// Whether the value is still to be computed.
  package var isPending: Bool { state.withLock { $0.value == nil && $0.pending != nil } }

  /// Tells that the values were changed in place; drops what was packed.
  package func valueChanged() { state.withLock { $0.changed() } }

  /// A number that grows whenever the values change.
  package var version: Int { state.withLock { $0.version } }

  package var isTrainable: Bool {
    get { state.withLock { $0.isTrainable } }
    set {
      state.withLock {
        $0.isTrainable = newValue && !isBuffer
        if $0.isTrainable, let compact = $0.compact { $0.value = compact.tensor(shape) }
        $0.changed()
      }
    }
  }

  /// The values as an operand: on the tape if trainable.
  package func callAsFunction() -> Tensor {
    state.withLock { state in
      let value = state.current(shape, dtype)
      return state.isTrainable ? value.tracked(by: leaf) : value
    }
  }

  /// The first `rows` and `columns` of a frozen matrix, packed; nil while it is trainable, and where
  /// it is kept in few bits.
  func frozen(rows: Int, columns: Int, _ precision: Precision) -> FrozenWeight? {
    let packing = Packing(rows: rows, columns: columns, precision: precision)
    return state.withLock { state in
      guard !state.isTrainable, state.compact == nil else { return nil }
      if let packed = state.packed[packing] { return packed }
      let matrix = state.current(shape, dtype).reshaped(to: [shape[0], -1])
      let packed = FrozenWeight(
        matrix.sliced(axis: 0, 0..<rows).sliced(axis: 1, 0..<columns), precision: precision)
      state.packed[packing] = packed
      return packed
    }
  }

  /// Draws the first values; they depend on the seed and the path alone.
  package func initialize(seed: UInt64) {
    switch initialization {
    case .zeros: value = Tensor(zeros: shape, dtype: dtype)
    case .ones: value = Tensor(filledWith: 1, shape: shape)
    case .constant(let number): value = Tensor(filledWith: number, shape: shape)
    case .values(let elements): value = Tensor(elements, shape: shape)
    case .uniform(let bound):
      var random = stream(seed)
      fill { target in
        for place in target.indices { target[place] = Float(random.uniform(in: -bound...bound)) }
      }
    case .normal(let deviation):
      var random = stream(seed)
      fill { random.normals(into: $0, deviation: deviation) }
    case .truncatedNormal(let deviation):
      var random = stream(seed)
      fill { random.normals(into: $0, deviation: deviation) { abs($0) <= 2 } }
    }
  }

  private func stream(_ seed: UInt64) -> Philox {
    Philox(seed: seed, purpose: .initialization, step: 0, index: pathHash(path))
  }

  private func fill(_ draw: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let drawn = Tensor(uninitialized: shape)
    drawn.withMutableElements(of: Float.self) { draw($0) }
    value = drawn
  }
}

/// A number in 0..<2³¹ that identifies a path in random streams (FNV-1a).
package func pathHash(_ path: String) -> Int {
  var hash: UInt32 = 2_166_136_261
  for byte in path.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
  return Int(hash >> 1)
}
