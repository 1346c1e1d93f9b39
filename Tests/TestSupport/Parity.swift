internal import Glibc

/// Says in the test output what became of a parity case, so that `make test` can count them.
///
/// A test of a case calls it last: a failed expectation fails the run, and then nothing is counted.
package enum Parity {
  package static func passed(_ name: String) { report(name, "passed") }
  package static func skipped(_ name: String) { report(name, "skipped") }

  /// One write per line, since tests run side by side.
  private static func report(_ name: String, _ outcome: String) {
    let line = Array("parity: \(name) \(outcome)\n".utf8)
    _ = line.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
  }
}
