import Dispatch
package import Formats
import Synchronization
package import Tensors

/// Samples that are computed once, in groups of neighbours, and read from a mapped file afterwards.
///
/// Groups are fixed by the layout: a sample's values depend neither on the order in which samples are
/// asked for nor on the batch that they come in.
package final class StoredSamples: SampleSet {
  /// Fields of a group of samples, stacked along the first axis, from those of the set below.
  package typealias Computation = @Sendable (_ fields: [String: Tensor]) throws -> [String: Tensor]

  /// A field of one sample.
  private struct Field {
    let name: String
    let shape: [Int]
    let dtype: DType
    /// Place in the record.
    let offset: Int

    var byteCount: Int { shape.reduce(1, *) * dtype.byteCount }
  }

  package let base: any SampleSet
  package let file: RecordFile
  private let fields: [Field]
  private let computed: Computation

  /// Opens or makes the file.
  ///
  /// `template` holds the computed fields of one sample, stacked like a group of one; without it the
  /// first sample is computed to see them. A file with another `description` is made again.
  package init(
    _ base: any SampleSet, template: [String: Tensor]? = nil, path: String, description: String,
    _ computed: @escaping Computation
  ) throws {
    let template = try template ?? computed(stackedSamples(base, 0..<1))
    self.base = base
    self.computed = computed
    fields = Self.fields(template)
    file = try RecordFile(
      path: path, layout: Self.layout(template, count: base.count, description: description))
  }

  /// The layout of a file for `count` samples like `template`.
  package static func layout(
    _ template: [String: Tensor], count: Int, description: String
  ) -> RecordLayout {
    let fields = fields(template)
    let bytes = fields.last.map { aligned($0.offset + $0.byteCount) } ?? 0
    let list = fields.map { "\($0.name) \($0.dtype) \($0.shape)" }.joined(separator: ", ")
    return RecordLayout(
      description: "\(description)\n\(list)", count: count, recordBytes: bytes,
      groupSize: max(1, min(largestGroup, groupBytes / max(1, bytes))))
  }

  /// Samples of a group, at most, and the bytes of one where they are large: enough rows for an
  /// efficient product, little enough to be soon done.
  private static let largestGroup = 32
  private static let groupBytes = 1 << 20

  private static func fields(_ template: [String: Tensor]) -> [Field] {
    var fields: [Field] = []
    for (name, tensor) in template.sorted(by: { $0.key < $1.key }) {
      let end = fields.last.map { $0.offset + $0.byteCount } ?? 0
      fields.append(
        Field(
          name: name, shape: Array(tensor.shape.dropFirst()), dtype: tensor.dtype,
          offset: aligned(end)))
    }
    return fields
  }

  private static func aligned(_ offset: Int) -> Int { (offset + 63) & ~63 }

  package var count: Int { base.count }
  package func identifier(_ index: Int) -> String { base.identifier(index) }

  /// The fields as computed; they share the file's memory and must not be written.
  package func sample(_ index: Int, epoch: Int) throws -> [String: Tensor] {
    let layout = file.layout
    let group = index / layout.groupSize
    let records = try file.records(ofGroup: group) ?? filled(group)
    let start = index % layout.groupSize * layout.recordBytes
    guard let memory = records.baseAddress else { return [:] }
    var sample: [String: Tensor] = [:]
    for field in fields {
      let storage = Storage(
        borrowing: UnsafeMutableRawPointer(mutating: memory + start + field.offset),
        byteCount: max(1, field.byteCount), owner: file)
      sample[field.name] = Tensor(shape: field.shape, dtype: field.dtype, storage: storage)
    }
    return sample
  }

  /// Computes what is still missing of some samples, groups side by side on up to `threads` threads.
  package func prepare(_ indices: [Int], threads: Int) throws {
    let groups = Set(indices.map { $0 / file.layout.groupSize }).sorted()
      .filter { file.records(ofGroup: $0) == nil }
    let lanes = max(1, min(threads, groups.count))
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: lanes) { lane in
      for place in stride(from: lane, to: groups.count, by: lanes) {
        do {
          _ = try filled(groups[place])
        } catch {
          failure.withLock { $0 = $0 ?? error }
          return
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Computes a group, writes it, and gives it as the file has it.
  private func filled(_ group: Int) throws -> UnsafeRawBufferPointer {
    let layout = file.layout
    let members = layout.members(ofGroup: group)
    let samples = try members.map { try base.sample($0, epoch: 0) }
    for (index, sample) in zip(members, samples) {
      for (name, first) in samples[0] where sample[name]?.shape != first.shape {
        throw DataError.samplesDiffer(
          sample: identifier(index), field: name, found: sample[name]?.shape ?? [],
          expected: first.shape)
      }
    }
    let results = try computed(
      stacked(
        members.count, identifier: { identifier(members.lowerBound + $0) }, sample: { samples[$0] })
    )
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: members.count * layout.recordBytes, alignment: 64)
    defer { bytes.deallocate() }
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    for field in fields {
      guard let values = results[field.name], values.dtype == field.dtype,
        values.shape == [members.count] + field.shape
      else {
        throw DataError.samplesDiffer(
          sample: identifier(members.lowerBound), field: field.name,
          found: results[field.name].map { Array($0.shape.dropFirst()) } ?? [],
          expected: field.shape)
      }
      for row in 0..<members.count {
        UnsafeMutableRawBufferPointer(
          rebasing: bytes[(row * layout.recordBytes + field.offset)...]
        ).copyMemory(
          from: UnsafeRawBufferPointer(
            start: values.pointer + row * field.byteCount, count: field.byteCount))
      }
    }
    try file.write(UnsafeRawBufferPointer(bytes), ofGroup: group)
    guard let records = file.records(ofGroup: group) else {
      throw FormatError.writeFailed(path: file.path, reason: "what was written reads differently")
    }
    return records
  }
}
