import Foundation

/// What `bench` measured of a model; the keys are stable.
///
/// Those that the comparison scripts of other programs print as well have the same names and units.
package struct BenchResult: BenchReport {
  package var engine: String
  package var benchmark: String
  package var model: String
  package var mode: String
  package var batch: Int
  package var rank: OptionalNumber
  package var threads: Int
  package var precision: String
  package var compiled = false
  package var tuned = false
  package var checkpointing: Bool
  package var shape: [Int]
  /// Of the whole step: batch, forward, backward, update.
  package var medianStepSeconds: Double
  package var shortestStepSeconds: Double
  package var imagesPerSecond: Double
  /// From the start of the process to the end of the warm-up.
  package var startSeconds: Double
  package var peakMegabytes: Double
  package var parameters: Int
  package var adaptedModules: Int
  package var trainableParameters: Int
  package var merged = false
  /// Of one thread, in 10⁹ operations per second.
  package var ceilingRate: Double
  /// In 10⁹ operations.
  package var work: Double
  package var shareOfCeiling: Double
  /// Blocks of tensor memory asked from the system in the timed steps.
  package var allocationsAfterWarmUp: Int
  package var instructionSet: String
  package var processor: String
  package var libraries: [String: String]

  private enum CodingKeys: String, CodingKey {
    case engine, benchmark, model, mode, batch, rank, threads, precision, compiled, tuned
    case checkpointing, shape, parameters, merged, processor, libraries
    case medianStepSeconds = "median_step_s"
    case shortestStepSeconds = "min_step_s"
    case imagesPerSecond = "images_per_s"
    case startSeconds = "import_and_warmup_s"
    case peakMegabytes = "peak_rss_mb"
    case adaptedModules = "adapted_modules"
    case trainableParameters = "trainable_parameters"
    case ceilingRate = "ceiling_gflops"
    case work = "work_gflop"
    case shareOfCeiling = "share_of_ceiling"
    case allocationsAfterWarmUp = "system_allocations_after_warmup"
    case instructionSet = "instruction_set"
  }

  /// A number that JSON shows as null where there is none.
  package struct OptionalNumber: Encodable, Sendable {
    package let value: Int?

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      if let value { try container.encode(value) } else { try container.encodeNil() }
    }
  }

  /// A table of at most 80 columns.
  package var text: String {
    func line(_ name: String, _ value: String) -> String {
      name.padding(toLength: 20, withPad: " ", startingAt: 0) + value
    }
    func figure(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
    let adapter = rank.value.map { ", rank \($0)" } ?? ""
    return [
      line("\(benchmark) \(mode)", "\(model), batch \(batch)\(adapter), \(precision)"),
      line("threads", "\(threads), \(instructionSet)"),
      line(
        "step",
        "\(figure(medianStepSeconds, 4)) s median, \(figure(shortestStepSeconds, 4)) s least"
      ),
      line("samples", "\(figure(imagesPerSecond, 1)) per second"),
      line("work", "\(figure(work, 1)) GFLOP in products"),
      line("product ceiling", "\(figure(ceilingRate, 0)) GFLOP/s per thread"),
      line("share of ceiling", "\(figure(100 * shareOfCeiling, 1)) %"),
      line("start and warm-up", "\(figure(startSeconds, 2)) s"),
      line("peak memory", "\(figure(peakMegabytes, 0)) MB"),
      line("allocations", "\(allocationsAfterWarmUp) after the warm-up"),
      line("trained", "\(trainableParameters) of \(parameters) parameters"),
    ].joined(separator: "\n")
  }
}
