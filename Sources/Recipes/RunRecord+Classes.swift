extension RunRecord.Evaluation {
  /// Metrics of the whole part, without those of single classes.
  package var overallMetrics: [RunRecord.Metric] {
    metrics.filter { perClass($0.name) == nil }
  }

  /// Names of figures that every class has, as `IoU`, in the order of the metrics.
  package var perClassNames: [String] {
    var names: [String] = []
    for metric in metrics {
      if let base = perClass(metric.name)?.base, !names.contains(base) { names.append(base) }
    }
    return names
  }

  /// The figure of a class.
  package func metric(_ base: String, ofClass name: String) -> RunRecord.Metric? {
    metrics.first { $0.name == "\(base)_\(name)" }
  }

  /// Base and class of a figure of one class: `IoU` and `water` for `IoU_water`.
  private func perClass(_ name: String) -> (base: String, class: String)? {
    guard let classNames else { return nil }
    let found = classNames.filter { name.hasSuffix("_\($0)") && name.count > $0.count + 1 }
      .max { $0.count < $1.count }
    return found.map { (String(name.dropLast($0.count + 1)), $0) }
  }
}
