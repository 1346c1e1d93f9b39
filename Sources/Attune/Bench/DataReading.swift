import Datasets
import Formats
import Foundation
import Launch
import Recipes
import Synchronization
import Tensors

/// Options of benchmarks that read data.
let readingOptions: OptionTable = [
  Option("path", .text, default: .required, "What is read."),
  Option("threads", .integer, default: 1, range: .atLeast(1), "Threads that read side by side."),
  Option("repeat", .integer, default: 1, range: .atLeast(1), "Timed passes, after one to warm up."),
]

/// Passes over items that are read one by one in an order drawn once.
struct DataReading: Sendable {
  let path: String
  let threads: Int
  let passes: Int

  init(_ options: OptionReader) {
    path = options.text("path")
    threads = options.int("threads")
    passes = options.int("repeat")
  }

  /// Reads `count` items in every pass, the first being for the file system's cache.
  ///
  /// - Parameters:
  ///   - kind: what is read.
  ///   - count: of items.
  ///   - window: side of the windows, where parts are read.
  ///   - opening: seconds that opening and describing took.
  ///   - read: reads one item.
  /// - Returns: the rate of the timed passes.
  /// - Throws: what reading throws.
  func result(
    _ kind: String, count: Int, window: Int? = nil, opening: Double,
    _ read: @Sendable (Int) throws -> Tensor
  ) throws -> DataReadingResult {
    var random = Philox(seed: 0, purpose: .shuffle, step: 0, index: 0)
    let order = random.permutation(count)
    let lanes = min(threads, count)
    func pass() throws -> Int {
      try concurrentResults(lanes, threads: lanes) { lane in
        try Allocator.withLane(lane) {
          var bytes = 0
          for place in stride(from: lane, to: count, by: lanes) {
            bytes += try read(order[place]).byteCount
          }
          return bytes
        }
      }.reduce(0, +)
    }
    _ = try pass()
    let clock = ContinuousClock()
    let start = clock.now
    var bytes = 0
    for _ in 0..<passes { bytes += try pass() }
    let seconds = (clock.now - start) / .seconds(1)
    return DataReadingResult(
      engine: "attune \(programVersion)", kind: kind,
      path: URL(filePath: path).lastPathComponent, threads: threads, window: window,
      items: count * passes, bytes: bytes, seconds: seconds,
      itemsPerSecond: Double(count * passes) / seconds,
      megabytesPerSecond: Double(bytes) / 1e6 / seconds, openSeconds: opening,
      peakMegabytes: Double(peakResidentBytes()) / 1_048_576)
  }
}

/// What `bench` measured of reading; the keys are stable, and where the comparison script of other
/// programs prints them too, of the same meaning.
package struct DataReadingResult: BenchReport {
  package var engine: String
  package var kind: String
  package var path: String
  package var threads: Int
  package var window: Int?
  /// Read in the timed passes.
  package var items: Int
  /// Of the items as single precision.
  package var bytes: Int
  package var seconds: Double
  package var itemsPerSecond: Double
  package var megabytesPerSecond: Double
  /// Opening and describing all files, once, before.
  package var openSeconds: Double
  package var peakMegabytes: Double

  private enum CodingKeys: String, CodingKey {
    case engine, kind, path, threads, window, items, bytes, seconds
    case itemsPerSecond = "items_per_s"
    case megabytesPerSecond = "mb_per_s"
    case openSeconds = "open_s"
    case peakMegabytes = "peak_rss_mb"
  }

  package var text: String {
    func line(_ name: String, _ value: String) -> String {
      name.padding(toLength: 20, withPad: " ", startingAt: 0) + value
    }
    func figure(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
    return [
      line("data-\(kind)", String(path.prefix(50))),
      line("threads", "\(threads)"),
      line("read", "\(items) items in \(figure(seconds, 3)) s"),
      line("items", "\(figure(itemsPerSecond, 1)) per second"),
      line("rate", "\(figure(megabytesPerSecond, 0)) MB/s as single precision"),
      line("opening", "\(figure(openSeconds, 3)) s before"),
      line("peak memory", "\(figure(peakMegabytes, 0)) MB"),
    ].joined(separator: "\n")
  }
}
