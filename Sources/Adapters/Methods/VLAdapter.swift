import Layers
package import Recipes
import Tensors

/// Bottlenecks behind both sublayers whose halves several tasks share (VL-Adapter, arXiv 2112.06825):
/// z' = z + U φ(D z + d) + u with φ GELU by tanh, D `[h, width]`, U `[width, h]`.
///
/// `sharing: single` has one bottleneck for all tasks, `multiple` one for each, `shared-down` one D with a U
/// for each task, `shared-up` one U with a D for each. A run trains what its `task` uses; the values of
/// other tasks lie frozen beside them, `task_N` in their names, so that a run that starts from the file
/// (`from`) can go on with another task. D starts Xavier uniform, U and biases at zero.
package struct VLAdapter: StreamMethod {
  /// What tasks have in common.
  enum Sharing: String, CaseIterable {
    case single, multiple
    case down = "shared-down"
    case up = "shared-up"

    var hasOwnDown: Bool { self == .multiple || self == .up }
    var hasOwnUp: Bool { self == .multiple || self == .down }
  }

  package static let name = "vl-adapter"
  package static let summary = "bottlenecks whose halves several tasks share (VL-Adapter)"
  package static let options: OptionTable = [
    Option(
      "h", .integer, default: .described("width / 16"), range: .atLeast(1),
      "Width of the bottleneck."),
    Option(
      "sharing", .choice(Sharing.self), default: "single", "What the tasks have in common."),
    Option("n_tasks", .integer, default: 1, range: .atLeast(1), "Tasks."),
    Option("task", .integer, default: 0, range: .atLeast(0), "The run's task, counted from 0."),
    Option(
      "dropout", .number, default: 0, range: .within(0..<1), "Dropout before the second map."),
    StreamPlacement.scaleOption(),
  ]
  package static let peftType = "VL_ADAPTER"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]
  package static let trainingOptions: Set<String> = ["task"]

  package let reader: OptionReader
  package let placement: StreamPlacement
  private let hidden: Int?
  private let sharing: Sharing
  private let tasks: Int
  private let task: Int
  private let dropout: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    hidden = options.optionalInt("h")
    sharing = options.choice("sharing", as: Sharing.self)
    tasks = max(1, options.int("n_tasks"))
    task = options.int("task")
    dropout = options.number("dropout")
    placement = StreamPlacement(
      sublayers: [.attention, .mlp], input: .output, scale: options.number("scale"),
      modules: StreamPlacement.visionModules)
    if task >= tasks {
      diagnostics.error(
        .rule("task \(task) is not among n_tasks \(tasks)", mend: "tasks are counted from 0"),
        at: options.location, path: options.path)
    }
  }

  private func hidden(_ width: Int) -> Int { hidden ?? max(1, width / 16) }

  package func makeMap(_ scope: BranchScope, _ shared: SharedValues) -> any StreamMap {
    let (width, hidden) = (scope.width, hidden(scope.width))
    /// The map of every task, or the one map of all.
    func maps(
      _ name: String, _ inputs: Int, _ outputs: Int, isOwn: Bool, _ start: Initialization
    ) -> [LinearMap] {
      (0..<(isOwn ? tasks : 1)).map { number in
        let path = name + (isOwn ? ".task_\(number)" : "")
        func value(_ field: String, _ shape: [Int], _ start: Initialization) -> Parameter {
          isOwn && number != task
            ? scope.buffer("\(path).\(field)", shape, start)
            : scope.parameter("\(path).\(field)", shape, start)
        }
        return LinearMap(
          weight: value("weight", [outputs, inputs], start), bias: value("bias", [outputs], .zeros))
      }
    }
    return SharedBottleneck(
      downs: maps(
        "adapter_down", width, hidden, isOwn: sharing.hasOwnDown,
        .xavier(inputs: width, outputs: hidden)),
      ups: maps("adapter_up", hidden, width, isOwn: sharing.hasOwnUp, .zeros), task: task,
      dropout: Dropout(path: scope.path(to: "dropout"), probability: dropout))
  }

  /// 2 width h + h + width, of the run's task and what it shares.
  package func mapCount(width: Int) -> Int {
    LinearMap.count(width, hidden(width)) + LinearMap.count(hidden(width), width)
  }
}

private struct SharedBottleneck: StreamMap {
  /// One, or one for every task.
  let downs: [LinearMap]
  let ups: [LinearMap]
  let task: Int
  let dropout: Dropout

  private var values: [Parameter] { (downs + ups).flatMap(\.parameters) }
  var parameters: [Parameter] { values.filter { !$0.isBuffer } }
  var buffers: [Parameter] { values.filter(\.isBuffer) }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let down = downs[min(task, downs.count - 1)]
    let up = ups[min(task, ups.count - 1)]
    return up(dropout(down(x).geluTanh(), context))
  }
}
