import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("VL-Adapter")
struct VLAdapterTests {
  private func block(_ sharing: String, task: Int) throws -> AdaptedBlock {
    try AdaptedBlock(
      VLAdapter.self,
      [
        ("h", 4), ("sharing", .text(sharing)), ("n_tasks", 2), ("task", .integer(task)),
      ], moves: true)
  }

  /// Names of the MLP's values below the module.
  private func names(_ parameters: [Parameter]) -> Set<String> {
    let prefix = "block.adapter_mlp."
    let own = parameters.map(\.path).filter { $0.hasPrefix(prefix) && $0.hasSuffix("weight") }
    return Set(own.map { String($0.dropFirst(prefix.count)) })
  }

  @Test("tasks share a whole bottleneck, a half of it or nothing")
  func sharing() throws {
    let all = ["task_0", "task_1"]
    let wanted: [String: (trained: Set<String>, kept: Set<String>)] = [
      "single": (["adapter_down.weight", "adapter_up.weight"], []),
      "multiple": (
        ["adapter_down.task_1.weight", "adapter_up.task_1.weight"],
        ["adapter_down.task_0.weight", "adapter_up.task_0.weight"]
      ),
      "shared-down": (
        ["adapter_down.weight", "adapter_up.task_1.weight"], ["adapter_up.task_0.weight"]
      ),
      "shared-up": (
        ["adapter_down.task_1.weight", "adapter_up.weight"], ["adapter_down.task_0.weight"]
      ),
    ]
    #expect(all.count == 2)
    for (sharing, names) in wanted {
      let adapter = try block(sharing, task: 1).adapter
      #expect(self.names(adapter.parameters) == names.trained)
      #expect(self.names(adapter.buffers) == names.kept)
      let other = try block(sharing, task: 0).adapter
      let paths = { (adapter: AttachedAdapter) in
        Set((adapter.parameters + adapter.buffers).map(\.path))
      }
      #expect(paths(adapter) == paths(other), "one file serves both tasks")
    }
  }

  @Test("a bottleneck with GELU by tanh behind the sublayer")
  func formula() throws {
    let adapted = try block("shared-down", task: 1)
    func value(_ name: String) throws -> Tensor {
      try #require(
        adapted.adapter.parameters.first { $0.path == "block.adapter_mlp." + name }
      ).value
    }
    let z = FiniteDifferences.values([2, 5, 8], seed: 3).cast(to: .f32)
    let hidden = linear(
      z, weight: try value("adapter_down.weight"), bias: try value("adapter_down.bias"))
    let wanted = linear(
      hidden.geluTanh(), weight: try value("adapter_up.task_1.weight"),
      bias: try value("adapter_up.task_1.bias"))
    #expect((adapted.mlp(z) - z).largestDifference(from: wanted) < 1e-5)
  }

  @Test("is a sixteenth of the stream wide, unless told otherwise")
  func width() throws {
    let adapted = try AdaptedBlock(VLAdapter.self, [], width: 64)
    #expect(adapted.adapter.parameters[0].shape == [4, 64])
  }

  @Test("refuses a task that is not there")
  func task() {
    #expect(throws: (any Error).self) { _ = try block("multiple", task: 2) }
  }
}
