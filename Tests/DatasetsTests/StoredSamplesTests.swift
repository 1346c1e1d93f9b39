import Datasets
import Formats
import Foundation
import Synchronization
import Tensors
import TestSupport
import Testing

/// Samples that hold their own number; from `raggedFrom` on they are longer.
private struct NumberedSamples: SampleSet {
  let count = 70
  var raggedFrom = Int.max

  func identifier(_ index: Int) -> String { "#\(index)" }
  func sample(_ index: Int, epoch: Int) -> [String: Tensor] {
    let length = index < raggedFrom ? 2 : 3
    return [
      "x": Tensor([Float](repeating: Float(index), count: length), shape: [length]),
      "label": Tensor(Int64(index)),
    ]
  }
}

/// Numbers of the samples that were computed.
private final class Computed: Sendable {
  private let seen = Mutex<[Int64]>([])

  var sorted: [Int64] { seen.withLock { $0.sorted() } }

  func callAsFunction(_ fields: [String: Tensor]) -> [String: Tensor] {
    guard let x = fields["x"], let label = fields["label"] else { return [:] }
    seen.withLock { $0 += label.elements(as: Int64.self) }
    return ["square": x * x, "label": label]
  }
}

@Suite("Stored samples")
struct StoredSamplesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(
    _ computed: Computed, _ samples: NumberedSamples = NumberedSamples()
  ) throws -> StoredSamples {
    try StoredSamples(
      samples,
      template: ["square": Tensor(zeros: [1, 2]), "label": Tensor(zeros: [1], dtype: .i64)],
      path: folder.file("x.records"), description: "squares"
    ) { computed($0) }
  }

  private func expectAll(_ stored: StoredSamples) throws {
    #expect(stored.count == 70)
    #expect(stored.identifier(69) == "#69")
    for index in [69, 0, 33, 31, 5, 64] {
      let sample = try stored.sample(index, epoch: 9)
      #expect(Set(sample.keys) == ["square", "label"])
      let square = Float(index * index)
      #expect(sample["square"]?.elements(as: Float.self) == [square, square])
      #expect(sample["label"]?.elements(as: Int64.self) == [Int64(index)])
      #expect(sample["label"]?.shape == [])
    }
  }

  @Test("are computed once, whatever the order, by several threads and processes")
  func once() throws {
    let first = Computed()
    let stored = try open(first)
    try stored.prepare([40, 3, 41], threads: 2)
    #expect(first.sorted == Array(0..<64))
    try expectAll(stored)
    #expect(first.sorted == Array(0..<70))

    let second = Computed()
    try expectAll(try open(second))
    #expect(second.sorted.isEmpty)
  }

  @Test("are computed again where the file was damaged")
  func damaged() throws {
    let stored = try open(Computed())
    try stored.prepare(Array(0..<70), threads: 3)
    let path = folder.file("x.records")
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    try handle.seek(toOffset: try handle.seekToEnd() - 128)
    try handle.write(contentsOf: [1, 2, 3])
    let again = Computed()
    try expectAll(try open(again))
    #expect(again.sorted == Array(64..<70))
  }

  @Test("large samples make small groups")
  func groups() {
    func groupSize(_ elements: Int) -> Int {
      StoredSamples.layout(
        ["x": Tensor(zeros: [1, elements])], count: 100, description: ""
      ).groupSize
    }
    #expect(groupSize(4) == 32)
    #expect(groupSize(197 * 384) == 3)
    #expect(groupSize(1 << 20) == 1)
  }

  @Test("of another shape are refused by name")
  func ragged() throws {
    for first in [66, 64] {
      let stored = try open(Computed(), NumberedSamples(raggedFrom: first))
      let error = #expect(throws: DataError.self) { try stored.prepare([first], threads: 1) }
      #expect("\(try #require(error))".contains("sample '#\(first)'"))
    }
  }
}
