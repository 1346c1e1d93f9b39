import Checkpoints
import Foundation
import Formats
import Tensors
import TestSupport
import Testing

@Suite("safetensors") struct SafetensorsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file with the given header and data.
  private func file(_ header: String, _ data: [UInt8] = []) throws -> SafetensorsFile {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    let bytes = Data(length + Array(header.utf8) + data)
    return try SafetensorsFile(path: try folder.write(bytes, to: "a.safetensors"))
  }

  @Test(
    "opens headers whose length looks like the start of a pickle, a zip archive or a text",
    arguments: [0x80, 0x280, 0x4B50, 0x7B, 0x50])
  func confusableLengths(length: Int) throws {
    var header = Array(#"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#.utf8)
    header += [UInt8](repeating: 0x20, count: length - header.count)
    let bytes = withUnsafeBytes(of: UInt64(length).littleEndian) { Array($0) } + header + [7]
    let source = try openCheckpoint(try folder.write(Data(bytes), to: "confusable"))
    #expect(try source.tensor("w").elements(as: UInt8.self) == [7])
  }

  @Test("what is written is read back bit for bit") func roundTrip() throws {
    let path = folder.file("a.safetensors")
    let floats = Tensor([1.5, -0.0, Float.leastNonzeroMagnitude], shape: [3])
    let tensors: [(String, Tensor)] = [
      ("b", floats), ("a", Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])),
      ("empty", Tensor(zeros: [0, 4])), ("scalar", Tensor(2.5 as Double)),
      ("index", Tensor([7, -1] as [Int32], shape: [2])),
      ("é\"", Tensor([9] as [UInt8], shape: [1])),
      ("long", Tensor([.min, .max] as [Int64], shape: [2])),
    ]
    try writeSafetensors(tensors, metadata: ["by": "test"], to: path)
    let read = try SafetensorsFile(path: path)
    #expect(read.metadata == ["format": "pt", "by": "test"])
    #expect(read.names == ["long", "scalar", "a", "b", "empty", "index", "é\""])
    for (name, tensor) in tensors {
      let copy = try read.tensor(name)
      #expect(copy.shape == tensor.shape)
      #expect(copy.dtype == tensor.dtype)
    }
    #expect(
      try read.tensor("b").elements(as: Float.self).map(\.bitPattern)
        == floats.elements(as: Float.self).map(\.bitPattern))
    #expect(try read.tensor("long").elements(as: Int64.self) == [.min, .max])
    #expect(try read.tensor("é\"").elements(as: UInt8.self) == [9])
    #expect(try folder.names == ["a.safetensors"])
  }

  @Test("data begins at a multiple of 8") func padding() throws {
    for length in 1...9 {
      let path = folder.file("a.safetensors")
      let name = String(repeating: "x", count: length)
      try writeSafetensors([(name, Tensor([1] as [Float], shape: [1]))], to: path)
      let bytes = try Data(contentsOf: URL(filePath: path))
      #expect(bytes[0] % 8 == 0)
      #expect(bytes.count == 8 + Int(bytes[0]) + 4)
    }
  }

  @Test("a tensor outlives its file, and changing it leaves the file alone") func lifetime() throws
  {
    let path = folder.file("a.safetensors")
    try writeSafetensors([("a", Tensor([1, 2] as [Float], shape: [2]))], to: path)
    let tensor = try SafetensorsFile(path: path).tensor("a")
    tensor.withMutableElements(of: Float.self) { $0[0] = 9 }
    #expect(tensor.elements(as: Float.self) == [9, 2])
    #expect(try SafetensorsFile(path: path).tensor("a").elements(as: Float.self) == [1, 2])
  }

  @Test("promotes small floats and integers") func promotes() throws {
    let file = try file(
      #"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},"#
        + #""s":{"dtype":"I16","shape":[1],"data_offsets":[6,8]},"#
        + #""t":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]},"#
        + #""u":{"dtype":"U32","shape":[1],"data_offsets":[9,13]}}"#,
      [0x00, 0x3E, 0x01, 0x00, 0x80, 0xBF, 0xFE, 0xFF, 1, 0xFF, 0xFF, 0xFF, 0xFF])
    #expect(try file.tensor("h").elements(as: Float.self) == [1.5, 0x1p-24])
    #expect(try file.tensor("b").elements(as: Float.self) == [-1])
    #expect(try file.tensor("s").elements(as: Int32.self) == [-2])
    #expect(try file.tensor("t").elements(as: UInt8.self) == [1])
    #expect(try file.tensor("u").elements(as: Int64.self) == [4_294_967_295])
    #expect(file.entry("h") == TensorEntry(shape: [2], type: .f16))
  }

  @Test("tells what is not there and what is not read") func refusals() throws {
    let file = try file(
      #"{"c":{"dtype":"C64","shape":[1],"data_offsets":[0,8]},"#
        + #""u":{"dtype":"U64","shape":[1],"data_offsets":[8,16]}}"#,
      [UInt8](repeating: 0xFF, count: 16))
    let missing = #expect(throws: CheckpointError.self) { try file.tensor("d") }
    #expect(missing == .tensorMissing(path: file.path, name: "d", available: ["c", "u"]))
    let error = #expect(throws: CheckpointError.self) { try file.tensor("c") }
    #expect(error?.category == .unsupported)
    #expect(throws: CheckpointError.self) { try file.tensor("u") }
  }

  @Test(
    "refuses headers that break a rule",
    arguments: [
      "", "[]", "{", "\u{FEFF}{}", "{}\0",
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      #"{"__metadata__":{},"__metadata__":{},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
      #"{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}"#,
      #"{"a":{"shape":[2],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
      #"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}"#,
    ])
  func refuses(header: String) {
    let error = #expect(throws: CheckpointError.self) {
      try file(header, [UInt8](repeating: 0, count: 8))
    }
    #expect(error?.category == .invalidData)
  }

  @Test("accepts white space around the header and unknown fields") func accepts() throws {
    let file = try file(
      "\n {\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":[1]}} \n",
      [0, 0, 128, 63])
    #expect(try file.tensor("a").elements(as: Float.self) == [1])
  }

  @Test("refuses to write one name twice, and finds weights that are not finite") func writing()
    throws
  {
    let one = Tensor([1] as [Float], shape: [1])
    let path = folder.file("a.safetensors")
    #expect(throws: CheckpointError.self) {
      try writeSafetensors([("a", one), ("a", one)], to: path)
    }
    #expect(try folder.names == [])
    try writeSafetensors([("a", one), ("b", Tensor([0, .nan] as [Float], shape: [2]))], to: path)
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsFile(path: path).requireFinite()
    }
    #expect(error == .notFinite(path: path, tensor: "b", position: 1))
  }
}

@Suite("safetensors of others", .enabled(if: Shared.isPresent, "../shared is absent"))
struct SharedSafetensorsTests {
  @Test(
    "refuses the malformed files",
    arguments: [
      ("01_truncated_data", "data has"), ("02_overlapping_offsets", "'b' begins at 8"),
      ("03_huge_header_length", "header too large"), ("04_unknown_dtype", "F33"),
      ("05_offset_beyond_end", "'b'"),
    ])
  func malformed(name: String, words: String) throws {
    let path = Shared.path("fixtures/malformed/\(name).safetensors")
    let error = #expect(throws: CheckpointError.self) { try openCheckpoint(path) }
    #expect(error?.category == .invalidData)
    let text = try #require(error?.description)
    #expect(text.hasPrefix(path))
    #expect(text.contains(words))
  }

  @Test("accepts the controls", arguments: ["ok_unaligned_and_unordered", "ok_scalar_and_empty"])
  func controls(name: String) throws {
    let file = try openCheckpoint(Shared.path("fixtures/malformed/\(name).safetensors"))
    #expect(!file.names.isEmpty)
    for name in file.names {
      let tensor = try file.tensor(name)
      #expect(tensor.shape == file.entry(name)?.shape)
    }
    try file.requireFinite()
  }

  @Test("rewrites a file of the reference library byte for byte")
  func rewrites() throws {
    let folder = try TemporaryFolder()
    let path = Shared.path("fixtures/peft/lora_qkv_r8/adapter/adapter_model.safetensors")
    let file = try SafetensorsFile(path: path)
    let copy = folder.file("copy.safetensors")
    try writeSafetensors(try file.names.map { ($0, try file.tensor($0)) }, to: copy)
    #expect(
      try Data(contentsOf: URL(filePath: copy)) == (try Data(contentsOf: URL(filePath: path))))
  }

  @Test("several files with an index hold the same tensors as one")
  func sharded() throws {
    let one = try openCheckpoint(Shared.path("fixtures/peft/base_timm"))
    let many = try openCheckpoint(Shared.path("fixtures/peft/base_timm_sharded"))
    let index = try openCheckpoint(
      Shared.path("fixtures/peft/base_timm_sharded/model.safetensors.index.json"))
    #expect(many is ShardedSafetensors)
    #expect(Set(many.names) == Set(one.names))
    #expect(index.names == many.names)
    for name in one.names {
      #expect(
        try many.tensor(name).elements(as: Float.self)
          == (try one.tensor(name).elements(as: Float.self)))
    }
  }
}
