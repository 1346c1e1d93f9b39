import Formats
import Foundation
package import Recipes

/// Downloads the files of a data set by its card, into one folder.
///
/// A file that is there with the right digest is passed over; an interrupted one is gone on with.
package struct CardFetch: Sendable {
  package let card: DataCard
  package let folder: String
  /// Only files that match one of these patterns with `*` are fetched; empty for all.
  package var only: [String] = []
  package var policy = FetchPolicy()

  package init(_ card: DataCard, to folder: String) {
    self.card = card
    self.folder = folder
  }

  /// What became of a file.
  package struct Outcome: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable {
      /// Named in a dry run.
      case planned
      case fetched
      /// There before, with the card's digest.
      case present
      /// There before; the card has no digest to compare.
      case unchecked
    }

    package var path: String
    package var state: State
    /// Nil where a dry run cannot know it.
    package var bytes: Int?
    /// `sha256:…` or `md5:…`; nil for a file that was there before and is not checked.
    package var digest: String?
    /// Whether the card names the digest.
    package var isPinned: Bool
    /// Files that were unpacked from it.
    package var unpacked: Int

    private enum CodingKeys: String, CodingKey {
      case path, state, bytes, digest, unpacked
      case isPinned = "pinned"
    }
  }

  // MARK: Steps

  /// Files that the fetch is about.
  ///
  /// - Throws: `FetchError.nothingToFetch`, `.nothingSelected`.
  package func selected() throws(FetchError) -> [DataCard.File] {
    guard !card.files.isEmpty else {
      if let terms = card.terms {
        throw .needsConsent(card: card.name, terms: terms, missing: ["its files"])
      }
      throw .nothingToFetch(card: card.name, homepage: card.homepage)
    }
    guard !only.isEmpty else { return card.files }
    let files = card.files.filter { file in only.contains { fnmatch($0, file.path, 0) == 0 } }
    guard !files.isEmpty else {
      throw .nothingSelected(
        card: card.name, patterns: only, known: card.files.map(\.path))
    }
    return files
  }

  /// Fetches what is missing, in the order of the card.
  ///
  /// - Throws: `FetchError`, for unpacking `FormatError`.
  package func run() throws -> [Outcome] {
    let files = try selected()
    let target = TargetFolder(path: FilePath.absolute(folder, relativeTo: FilePath.current))
    if let terms = card.terms {
      let missing = files.map(\.path).filter { !target.has($0) }
      guard missing.isEmpty else {
        throw FetchError.needsConsent(card: card.name, terms: terms, missing: missing)
      }
    }
    try requireSpace(for: files, in: target)
    return try files.map { file in
      if policy.isStopped() { throw FetchError.stopped(path: file.path) }
      let path = try target.place(for: file.path)
      var outcome = try present(file, at: path) ?? fetched(file, to: path)
      if file.isUnpacked { outcome.unpacked = try unpack(path, of: file, into: target) }
      return outcome
    }
  }

  /// Sizes that the card knows must fit before anything begins.
  private func requireSpace(for files: [DataCard.File], in target: TargetFolder) throws(FetchError)
  {
    let missing = files.filter { !target.has($0.path) }.compactMap(\.bytes).reduce(0, +)
    let begun = files.compactMap { TargetFolder.size(of: "\(target.path)/\($0.path).part") }
      .reduce(0, +)
    try Reception.requireSpace(for: missing - begun, at: target.path, policy)
  }

  private func present(_ file: DataCard.File, at path: String) throws -> Outcome? {
    guard let size = TargetFolder.size(of: path) else { return nil }
    if let bytes = file.bytes, bytes != size {
      throw FetchError.presentDiffers(
        path: path, expected: "\(bytes) bytes", found: "\(size) bytes")
    }
    guard let digest = file.digest else {
      return Outcome(
        path: file.path, state: .unchecked, bytes: size, isPinned: false, unpacked: 0)
    }
    policy.report(.checking(path: file.path))
    let found = try FileDigest(ofFile: path, digest.algorithm)
    guard found == digest else {
      throw FetchError.presentDiffers(path: path, expected: "\(digest)", found: "\(found)")
    }
    return Outcome(
      path: file.path, state: .present, bytes: size, digest: "\(digest)", isPinned: true,
      unpacked: 0)
  }

  private func fetched(_ file: DataCard.File, to path: String) throws -> Outcome {
    guard let text = file.address, let address = URL(string: text) else {
      throw FetchError.nothingToFetch(card: card.name, homepage: card.homepage)
    }
    let transfer = FileTransfer(file: file, address: address, path: path, policy: policy)
    let (bytes, digest) = try transfer.run()
    policy.report(.progress(path: file.path, bytes: bytes, total: bytes, resumed: 0))
    return Outcome(
      path: file.path, state: .fetched, bytes: bytes, digest: "\(digest)",
      isPinned: file.digest != nil, unpacked: 0)
  }

  /// Unpacks an archive beside itself; members that are there with their size are passed over.
  private func unpack(
    _ path: String, of file: DataCard.File, into target: TargetFolder
  ) throws -> Int {
    policy.report(.unpacking(path: file.path))
    let archive = try ZipFile(path: path)
    let folder = (file.path as NSString).deletingLastPathComponent
    let members = archive.entries.map {
      (entry: $0, path: folder.isEmpty ? $0.name : folder + "/" + $0.name)
    }
    let missing = members.filter {
      TargetFolder.size(of: target.path + "/" + $0.path) != $0.entry.size
    }
    try Reception.requireSpace(
      for: missing.reduce(0) { $0 + $1.entry.size }, at: target.path, policy)
    for member in missing {
      if policy.isStopped() { throw FetchError.stopped(path: path) }
      try archive.extract(member.entry, to: try target.place(for: member.path))
    }
    return members.count
  }
}

extension CardFetch.Outcome {
  /// A file that would be fetched.
  package init(planned file: DataCard.File) {
    self.init(
      path: file.path, state: .planned, bytes: file.bytes, digest: file.digest?.description,
      isPinned: file.digest != nil, unpacked: 0)
  }

  /// Path, size, what became of it.
  package var line: String {
    let size = bytes.map { " (\(ByteCount.short($0)))" } ?? ""
    let parts = unpacked > 0 ? ", \(unpacked) files unpacked" : ""
    return "\(path)\(size): \(state.rawValue)\(parts)"
  }
}
