import Backbones
import Checkpoints
import Foundation
import Formats
import Recipes
import Tensors

/// Tensors of a checkpoint, and which architecture they look like.
func inspectCheckpoint(_ path: String, _ readingValues: Bool) throws -> Inspection {
  let source = try openCheckpoint(path)
  var inspection = Inspection(path, .checkpoint)
  inspection.add("format", source.format)
  for (key, text) in source.metadata.sorted(by: { $0.key < $1.key }) {
    inspection.add("metadata \(key)", text)
  }
  if let torch = source as? TorchCheckpoint {
    inspection.add("weights under", torch.stateKey)
  }
  inspection.add("looks like", resemblance(of: source)?.description)
  try inspection.addTensors(of: source, readingValues)
  return inspection
}

/// Configuration and tensors of an adapter directory.
func inspectAdapter(_ path: String, _ readingValues: Bool) throws -> Inspection {
  let adapter = try PEFTDirectory(reading: path)
  var inspection = Inspection(path, .adapter)
  inspection.add("method", adapter.method)
  for key in ["r", "lora_alpha", "target_modules", "modules_to_save", "base_model_name_or_path"] {
    inspection.add(key, adapter.configuration[key]?.shortText)
  }
  for note in adapter.notes { inspection.add("note", note) }
  try inspection.addTensors(of: adapter.weights, readingValues)
  return inspection
}

extension Inspection {
  fileprivate mutating func addTensors(
    of source: any TensorSource, _ readingValues: Bool
  ) throws {
    let names = source.names
    let values =
      readingValues
      ? try concurrentResults(
        names.count, threads: ProcessInfo.processInfo.activeProcessorCount
      ) { try Values(try source.tensor(names[$0])) } : []
    var count = 0
    for (index, name) in names.enumerated() {
      guard let entry = source.entry(name) else { continue }
      count += entry.shape.reduce(1, *)
      parts.append(
        Part(
          name: name, shape: entry.shape, type: "\(entry.type)",
          values: readingValues ? values[index] : nil))
    }
    add("tensors", parts.count)
    add("parameters", count)
    guard readingValues else { return }
    add("sha256", try digest(of: source.files))
    add("NaN", values.reduce(0) { $0 + $1.nan })
    add("infinite", values.reduce(0) { $0 + $1.infinite })
  }
}

extension Inspection.Values {
  fileprivate init(_ tensor: Tensor) throws {
    let bytes = Data(
      bytesNoCopy: tensor.pointer, count: tensor.byteCount, deallocator: .none)
    let counts = tensor.notFiniteCounts
    self.init(
      sha256: withExtendedLifetime(tensor) { SHA256Digest.of(bytes) }, nan: counts.nan,
      infinite: counts.infinite)
  }

  /// The digest's start, and what is not finite.
  package var text: String {
    let counts = [(nan, "NaN"), (infinite, "infinite")].filter { $0.0 > 0 }
    return ([String(sha256.prefix(16))] + counts.map { "\($0.0) \($0.1)" }).joined(separator: "  ")
  }
}

extension JSONValue {
  /// The value on one line.
  fileprivate var shortText: String {
    if let string { return string }
    if let array { return array.map(\.shortText).joined(separator: ", ") }
    return compactText
  }
}
