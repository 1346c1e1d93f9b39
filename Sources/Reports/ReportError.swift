package import Recipes

/// Why a report cannot be made.
package enum ReportError: ExitCoded, Equatable {
  case fileMissing(path: String)
  case unreadable(place: String, reason: String)
  case nothingToCompare
  case noEvaluation(directory: String)
  case noMonitoredValue(run: String, seed: Int, metric: String, directories: [String])
  case monitorsDiffer(run: String, seed: Int, metrics: [String])
  /// No program on PATH can print.
  case noBrowser(names: [String])
  /// The browser ended without a page; status -1 where it did not start.
  case printFailed(program: String, status: Int)

  package var exitCode: ExitCode {
    switch self {
    case .fileMissing: .inputMissing
    case .noBrowser, .printFailed: .unavailable
    default: .malformedData
    }
  }
}

extension ReportError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .fileMissing(let path):
      "\(path): not found. A report needs the folder of a run that has finished: "
        + "look at status.json in it."
    case .unreadable(let place, let reason):
      "\(place): cannot be read as written by a run: \(reason). "
        + "Repeat the run, or restore the file."
    case .nothingToCompare:
      "a comparison needs at least one finished run. Give the folders of runs."
    case .noEvaluation(let directory):
      "\(directory): the run holds no evaluation, so it cannot be compared. "
        + "Evaluate it with `attune eval`."
    case .noMonitoredValue(let run, let seed, let metric, let directories):
      "\(run), seed \(seed): no run has a finite value of \(metric), by which the best would be "
        + "chosen (looked in metrics.jsonl of \(directories.joined(separator: ", "))). "
        + "Set train.monitor to a metric that the runs evaluate, or give one run only."
    case .monitorsDiffer(let run, let seed, let metrics):
      "\(run), seed \(seed): its runs watch different metrics "
        + "(\(metrics.joined(separator: ", "))), so none is the best. "
        + "Set the same train.monitor in all, or give them different names."
    case .noBrowser(let names):
      "report.pdf: not written, since none of \(names.joined(separator: ", ")) is on PATH. Install "
        + "Chromium (Debian: apt install chromium), or print report.html from any browser."
    case .printFailed(let program, let status):
      "report.pdf: not written, since \(program) ended with status \(status) and no page. "
        + "Print report.html from any browser instead."
    }
  }
}
