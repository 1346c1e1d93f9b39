import Checkpoints
import Layers
import Tensors

/// Low-rank pairs of saved adapters on the targets of another adapter.
struct StoredPairs {
  /// One adapter's pair on a target, scaling 1: A `[r, in]`, B `[rows, r]`.
  struct Pair: Sendable {
    let down: Tensor
    let up: Tensor
  }

  private let folders: [String]
  private let adapters: [AdapterSum]

  /// Reads folders of plain LoRA adapters, `adapter` of a run among them.
  ///
  /// - Throws: `AdapterError` for other methods, adapters of different bases, and unreadable folders.
  init(_ folders: [String], method: String) throws(AdapterError) {
    self.folders = folders
    do {
      adapters = try folders.map { folder in
        let directory = try PEFTDirectory(reading: folder, accepting: [LoRA.peftType])
        return try AdapterSum([directory], weights: [1], averagesSaved: false)
      }
    } catch let error as AdapterError {
      throw error
    } catch {
      throw .unsupported(
        module: "adapter.adapters", method: method,
        reason: "\(error) Name folders of plain lora adapters, `adapter` in a run's folder")
    }
    let digests = Set(adapters.compactMap(\.baseDigest))
    guard digests.count < 2 else {
      throw .unsupported(
        module: "adapter.adapters", method: method,
        reason: "the adapters belong to \(digests.count) different bases. Name adapters of one base"
      )
    }
  }

  /// Refuses a base that the adapters do not belong to.
  func checkBase(_ digest: String) throws(AdapterError) {
    for (folder, adapter) in zip(folders, adapters) {
      guard let known = adapter.baseDigest, known != digest else { continue }
      throw .foreignBase(expected: known, found: digest, path: folder)
    }
  }

  /// The pairs of all adapters that have one on a target.
  ///
  /// - Throws: where none has, and for shapes that do not fit.
  func pairs(on target: AdapterTarget, method: String) throws(AdapterError) -> [Pair] {
    var found: [Pair] = []
    for (folder, adapter) in zip(folders, adapters) {
      let name = String(target.path(to: "").dropFirst(target.scope.count).dropLast())
      let own = adapter.pairs.first { $0.module == name }
      guard let item = own ?? adapter.pairs.first(where: { $0.module == target.site.path })
      else { continue }
      let rows = own == nil || target.isWhole ? target.site.outputs : target.rows.count
      let (down, up) = (item.pair.down, item.pair.up)
      guard down.shape == [down.shape[0], target.inputs] else {
        throw .wrongShape(
          path: folder, key: item.module + ".lora_A.weight",
          expected: [down.shape[0], target.inputs], found: down.shape)
      }
      guard up.shape == [rows, down.shape[0]] else {
        throw .wrongShape(
          path: folder, key: item.module + ".lora_B.weight", expected: [rows, down.shape[0]],
          found: up.shape)
      }
      let isCut = rows != target.rows.count
      found.append(Pair(down: down, up: isCut ? up.sliced(axis: 0, target.rows) : up))
    }
    guard !found.isEmpty else {
      throw .unsupported(
        module: target.site.path, method: method,
        reason: "no adapter of adapter.adapters has values for it. Leave it out of target_modules")
    }
    return found
  }
}
