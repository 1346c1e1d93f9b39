import Layers
import Synchronization
import Tensors

/// A down and an up map with their hidden units.
struct HiddenPair: Sendable {
  let hidden: Int
  /// With the axis along which the hidden units lie.
  let parameters: [(parameter: Parameter, axis: Int)]

  /// Nil where no parameter has hidden units.
  private init?(_ parameters: [Parameter], _ method: any HiddenUnits) {
    var found: [(parameter: Parameter, axis: Int)] = []
    for parameter in parameters {
      if let axis = method.hiddenAxis(of: parameter) { found.append((parameter, axis)) }
    }
    guard let first = found.first else { return nil }
    hidden = first.parameter.shape[first.axis]
    self.parameters = found
  }

  /// The pairs of an adapter, on weights and in blocks.
  static func all(of adapter: AttachedAdapter, _ method: any HiddenUnits) -> [HiddenPair] {
    (adapter.modules.map { $0.change.parameters }
      + adapter.blocks.flatMap { $0.branches.map { $0.branch.parameters } })
      .compactMap { HiddenPair($0, method) }
  }
}

/// Hidden units that a step shows with other values than they have, or does not update.
final class HiddenStep: Sendable {
  /// How a step treats one hidden unit.
  struct Unit {
    /// Factor on its values in the pass; 0 hides it.
    var shown: Float
    /// Whether the optimizer may change it.
    var isUpdated: Bool
  }

  private struct Value: Sendable {
    let parameter: Parameter
    /// Before the step.
    let whole: Tensor
    /// 1 for units that the step updates, 0 for others, in the parameter's shape.
    let updated: Tensor
    /// Factor of the units that are updated.
    let factor: Float
  }

  private let values = Mutex<[Value]>([])

  /// Gives the parameters of a pair their values of the pass.
  func begin(_ pair: HiddenPair, _ units: [Unit]) {
    let factor = units.first(where: \.isUpdated)?.shown ?? 1
    for (parameter, axis) in pair.parameters {
      func spread(_ value: (Unit) -> Float) -> Tensor {
        let inner = parameter.shape[(axis + 1)...].reduce(1, *)
        return Tensor(
          (0..<parameter.elementCount).map { value(units[$0 / inner % units.count]) },
          shape: parameter.shape)
      }
      let whole = parameter.value
      let value = Value(
        parameter: parameter, whole: whole, updated: spread { $0.isUpdated ? 1 : 0 },
        factor: factor)
      values.withLock { $0.append(value) }
      parameter.value = whole * spread(\.shown)
    }
  }

  /// Gives one parameter a multiple of its value in the pass; all of it is updated.
  func begin(_ parameter: Parameter, shown factor: Float) {
    let whole = parameter.value
    let value = Value(
      parameter: parameter, whole: whole, updated: Tensor(filledWith: 1, shape: whole.shape),
      factor: factor)
    values.withLock { $0.append(value) }
    parameter.value = whole.scaled(by: Double(factor))
  }

  /// Lets the optimizer see values and gradients of the updated units alone, without their factor.
  func change(_ gradients: inout Gradients) {
    for value in values.withLock({ $0 }) {
      value.parameter.value = value.whole * value.updated
      guard let gradient = gradients[value.parameter.leaf] else { continue }
      gradients[value.parameter.leaf] =
        (gradient * value.updated).scaled(by: Double(value.factor))
    }
  }

  /// Gives all other units their values back.
  func end() {
    let ended = values.withLock { values in
      defer { values = [] }
      return values
    }
    for value in ended {
      let others = Tensor(filledWith: 1, shape: value.updated.shape) - value.updated
      value.parameter.value = value.parameter.value * value.updated + value.whole * others
    }
  }
}
