import Backbones
import Datasets
import Foundation
import Formats
import Launch
import Recipes
import Reports
import Tensors
import Training

/// `train.cache_frozen_features`: the samples of a run with what the frozen part of the model makes
/// of them in the place of the inputs, computed once and kept in files.
///
/// The files lie in `<output.dir>/.cache/features` and are named after what decides their content:
/// program, libraries and instruction set, backbone and its options, all values below the cut, and
/// the data with all that changes a sample. Runs that agree in this share them, whatever their
/// adapters, rates and seeds. They may be deleted at any time.
struct FrozenFeatures: Sendable {
  /// The samples of one part and source, with the file that they go to.
  private struct Item: Sendable {
    let part: SplitPart
    let samples: any SampleSet
    let template: [String: Tensor]
    let path: String
    let layout: RecordLayout

    var exists: Bool { FileManager.default.fileExists(atPath: path) }
  }

  private let prefix: FrozenPrefix
  private let names: InputNames
  private let data: PreparedData
  private let key: String
  private let folder: String
  private let threads: Int
  private let items: [Item]

  /// Computes one sample of each set to learn the size of all; nothing is written.
  ///
  /// - Throws: `RunError.featuresTooLarge` where the disk has no room for them.
  init(
    _ prefix: FrozenPrefix, of model: AssembledModel, data: PreparedData, dataDigest: String,
    parts: [SplitPart], output: String, threads: Int
  ) throws {
    self.prefix = prefix
    self.data = data
    self.threads = threads
    let names = model.inputNames
    self.names = names
    let folder = output + "/.cache/features"
    self.folder = folder
    let options = model.options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let key = SHA256Digest.of(
      [
        "frozen features 1", programVersion, kernelInstructionSet, openBLASDescription,
        oneDNNVersion ?? "no oneDNN", model.backboneName, options.joined(separator: ", "),
        "below block \(prefix.cut)", prefix.precision.rawValue, prefix.digest(of: model.tree),
        names.description, dataDigest,
      ].joined(separator: "\n"))
    self.key = key
    items = try parts.flatMap { part in
      try data.samples(part).enumerated().map { number, samples in
        let path = "\(folder)/\(key.prefix(16))-\(part.rawValue)-\(number).records"
        let template = try computed(
          stackedSamples(samples, 0..<1), by: prefix, named: names)
        return Item(
          part: part, samples: samples, template: template, path: path,
          layout: StoredSamples.layout(template, count: samples.count, description: key))
      }
    }
    let needed = items.filter { !$0.exists }.reduce(0) { $0 + $1.layout.byteCount }
    try requireRoom(for: needed, at: folder)
  }

  /// The files, open, made where they are not there yet.
  func open(message: (String) -> Void) throws -> OpenFeatures {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FormatError.cannotCreate(path: folder, reason: error.localizedDescription)
    }
    let (prefix, names) = (prefix, names)
    let stored = try items.map { item in
      try StoredSamples(
        item.samples, template: item.template, path: item.path, description: key
      ) { try computed($0, by: prefix, named: names) }
    }
    let bytes = items.reduce(0) { $0 + $1.layout.byteCount }
    message(
      "frozen features: what lies below block \(prefix.cut) of \(prefix.network.blockCount) runs "
        + "once per sample; \(stored.reduce(0) { $0 + $1.count }) samples take "
        + "\(Numbers.bytes(bytes)) in \(folder)/\(key.prefix(16))-*")
    for samples in stored {
      switch samples.file.origin {
      case .made: break
      case .found(let groups):
        message(
          "\(samples.file.path): \(groups) of \(samples.file.layout.groupCount) groups of samples "
            + "are there already")
      case .replaced(let reason):
        message("\(samples.file.path): made again, \(reason)")
      }
    }
    let byPart = Dictionary(grouping: zip(items, stored), by: \.0.part)
    return OpenFeatures(
      loader: data.loader.mapSamples { number, _ in (byPart[.train] ?? [])[number].1 },
      validation: (byPart[.val] ?? []).map(\.1), threads: threads)
  }
}

/// The stored samples of a run.
struct OpenFeatures: Sendable {
  private let loader: Loader
  /// The validation part, by source.
  let validation: [StoredSamples]
  private let threads: Int

  fileprivate init(loader: Loader, validation: [StoredSamples], threads: Int) {
    self.loader = loader
    self.validation = validation
    self.threads = threads
  }

  /// The training batch of a micro step.
  func batch(_ microStep: Int) throws -> Batch {
    let plan = loader.plan(microStep)
    if let stored = loader.sources[plan.source].samples as? StoredSamples {
      try stored.prepare(plan.indices, threads: threads)
    }
    return Batch(identifiers: plan.identifiers, fields: try loader.load(plan))
  }
}

/// Samples with their features in the place of the inputs.
private func computed(
  _ fields: [String: Tensor], by prefix: FrozenPrefix, named names: InputNames
) throws -> [String: Tensor] {
  let features = prefix(names.input(fields))
  return fields.filter { !names.isInput($0.key) }.merging(features) { $1 }
}

/// Refuses what does not fit the disk of a folder, which need not exist yet.
package func requireRoom(for bytes: Int, at folder: String) throws(RunError) {
  guard let free = freeDiskBytes(near: folder), bytes > free else { return }
  throw .featuresTooLarge(path: folder, needed: bytes, free: free)
}
