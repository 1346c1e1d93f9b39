import Recipes

/// A known piece of work that `bench` times.
protocol Benchmark: RegistryEntry {
  /// Reads the options, what is wrong with them going to `diagnostics`, and gives the work to be done
  /// once they are found right.
  static func work(
    _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> () throws -> any BenchReport
}

/// What a benchmark measured: JSON with stable keys, and a text of at most 80 columns.
package protocol BenchReport: Encodable, Sendable {
  var text: String { get }
  /// Whether another process of the same job prints what was measured.
  var isSilent: Bool { get }
}

extension BenchReport {
  package var isSilent: Bool { false }
}

/// The work that `bench` can name.
let benchmarks = Registry<any Benchmark.Type>(
  kind: "benchmark",
  [
    AdapterBenchmark.self,
    DataHDF5Benchmark.self,
    DataTilesBenchmark.self,
    LoLABenchmark.self,
    MorphBenchmark.self,
    QueueBenchmark.self,
    RanksBenchmark.self,
    ViTLoRABenchmark.self,
  ])

/// Names of the work that can be timed, with a sentence each.
package var benchmarkNames: [(name: String, summary: String)] {
  benchmarks.entries.map { ($0.name, $0.summary) }
}
