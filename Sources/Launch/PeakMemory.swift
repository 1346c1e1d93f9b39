internal import Foundation
internal import Glibc

/// Largest resident memory of this process so far, in bytes.
///
/// Linux counts `ru_maxrss` on across `exec`, so a process started by a large one would report its
/// parent's peak; the program's own mark stands in `/proc/self/status` as VmHWM.
package func peakResidentBytes() -> Int {
  if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let peak = kibibytes(named: "VmHWM", in: status)
  {
    return peak * 1024
  }
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
}

/// Value of a line such as `MemTotal:       24684096 kB`.
func kibibytes(named name: String, in text: String) -> Int? {
  text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    .flatMap { line in line.split { !$0.isNumber }.last.flatMap { Int($0) } }
}
