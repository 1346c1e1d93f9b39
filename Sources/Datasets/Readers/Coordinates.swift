import Formats

extension HDF5File {
  /// Names of the datasets in `group`.
  func datasets(in group: String = "") throws(FormatError) -> [String] {
    var names: [String] = []
    for name in try children(of: group)
    where kind(of: group.isEmpty ? name : group + "/" + name) == .dataset {
      names.append(name)
    }
    return names
  }

  /// The step of a uniform coordinate; nil where the dataset is absent, not one-dimensional or not
  /// uniform to a thousandth.
  func step(of coordinate: String) throws(FormatError) -> Double? {
    guard kind(of: coordinate) == .dataset else { return nil }
    let dataset = try dataset(coordinate)
    guard dataset.shape.count == 1, dataset.shape[0] > 1 else { return nil }
    let values = try dataset.readDoubles()
    let step = (values[values.count - 1] - values[0]) / Double(values.count - 1)
    let isUniform = zip(values, values.dropFirst()).allSatisfy {
      abs($1 - $0 - step) <= 1e-3 * abs(step)
    }
    return isUniform && step.isFinite && step != 0 ? abs(step) : nil
  }

  /// Single numbers among the attributes of the root.
  func numericAttributes() throws(FormatError) -> [String: Double] {
    try attributes().compactMapValues(\.number)
  }

  /// One-dimensional numeric datasets of `count` entries in `group`, coordinates left out.
  func perTrajectoryDatasets(_ count: Int, in group: String = "") throws(FormatError) -> [String] {
    var found: [String] = []
    for name in try datasets(in: group) where !name.hasSuffix("coordinate") {
      let path = group.isEmpty ? name : group + "/" + name
      let dataset = try dataset(path)
      if dataset.shape == [count], dataset.layout.elementType.isNumeric { found.append(path) }
    }
    return found
  }
}
