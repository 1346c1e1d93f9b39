import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Sharded safetensors") struct ShardedSafetensorsTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for (shard, names) in [("1", ["a", "b"]), ("2", ["c"]), ("3", ["b", "c"])] {
      let tensors = names.map { ($0, Tensor([1] as [Float], shape: [1])) }
      try writeSafetensors(tensors, to: folder.file("model-\(shard).safetensors"))
    }
  }

  private func open(_ map: String) throws -> ShardedSafetensors {
    let index = #"{"metadata":{"total_size":12.0},"weight_map":\#(map)}"#
    return try ShardedSafetensors(
      indexPath: try folder.write(Data(index.utf8), to: "model.safetensors.index.json"))
  }

  @Test("reads through the index and notes what it does not list") func reads() throws {
    let source = try open(#"{"c":"model-2.safetensors","a":"model-1.safetensors"}"#)
    #expect(source.names == ["c", "a"])
    #expect(try source.tensor("c").elements(as: Float.self) == [1])
    #expect(source.entry("b") == nil)
    #expect(source.notes.count == 1)
    #expect(source.notes.first?.contains("b (model-1.safetensors)") == true)
  }

  @Test(
    "refuses what does not fit",
    arguments: [
      #"{"a":"../model-1.safetensors"}"#, #"{"a":"/etc/passwd"}"#, #"{"a":".."}"#, #"{"a":""}"#,
      #"{"a":"sub\\model-1.safetensors"}"#, #"{"a":"model-9.safetensors"}"#,
      #"{"c":"model-1.safetensors"}"#, #"{"a":1}"#, "[]",
      #"{"a":"model-1.safetensors","b":"model-3.safetensors"}"#,
    ])
  func refuses(map: String) {
    #expect(throws: CheckpointError.self) { try open(map) }
  }
}
