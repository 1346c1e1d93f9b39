internal import Foundation
internal import Glibc

/// A process, so that no other is ever taken for it: neither a later one with its number nor one of
/// another machine or container.
package struct ProcessIdentity: Codable, Sendable, Hashable {
  package var host: String
  /// Boot of the machine's kernel and the space that process numbers are counted in.
  package var space: String
  package var number: Int32
  /// When it started, in clock ticks since the boot.
  package var start: Int

  package init(host: String, space: String, number: Int32, start: Int) {
    self.host = host
    self.space = space
    self.number = number
    self.start = start
  }

  /// This process.
  package static let current: ProcessIdentity = {
    func line(_ path: String) -> String {
      ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let boot = line("/proc/sys/kernel/random/boot_id")
    let space = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid"))
    return ProcessIdentity(
      host: line("/proc/sys/kernel/hostname"), space: boot.isEmpty ? "" : "\(boot) \(space ?? "")",
      number: getpid(), start: ProcessState(of: getpid())?.start ?? 0)
  }()

  /// Whether the process has ended, as far as this one can see; nil for another machine's or
  /// container's, and those of before a restart.
  package var hasEnded: Bool? {
    let own = Self.current
    guard host == own.host, space == own.space, !space.isEmpty else { return nil }
    guard let state = ProcessState(of: number) else { return true }
    return state.start != start || state.isOver
  }
}

/// What `/proc` says of a process.
private struct ProcessState {
  let start: Int
  /// It has ended, though its parent has not asked how yet.
  let isOver: Bool

  init?(of number: Int32) {
    guard let text = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8),
      // The name in parentheses may hold anything; the fields after it are counted from 3.
      let name = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: name)...].split { $0.isWhitespace }
    guard fields.count > 19, let start = Int(fields[19]) else { return nil }
    self.start = start
    isOver = ["Z", "X"].contains(fields[0])
  }
}
