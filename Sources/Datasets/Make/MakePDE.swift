import Formats

/// Computes trajectories one by one and writes them in PDEBench's layout, as a whole or not at all.
///
/// One space axis: `tensor` `[n, t, x]`, `x-coordinate`, `t-coordinate` (one entry longer than the
/// time axis, as in PDEBench); fixed parameters are file attributes, drawn ones datasets `[n]`. Two
/// space axes: groups `0000`, `0001`, … with `data` `[t, y, x, field]`, `grid/x`, `grid/y`, `grid/t`
/// and the attribute `config`. `progress` hears how many trajectories are done.
///
/// - Throws: `DataError.solverFailed`, or `FormatError` where the file cannot be written.
package func makePDE(
  _ plan: PDEPlan, at path: String, progress: (Int) -> Void = { _ in }
) throws {
  let writer = try HDF5Writer(path: path)
  if plan.equation.spaceAxes == 1 {
    try writeTensor(plan, to: writer, progress: progress)
  } else {
    try writeGroups(plan, to: writer, progress: progress)
  }
  try writer.finish()
}

private func writeTensor(
  _ plan: PDEPlan, to writer: HDF5Writer, progress: (Int) -> Void
) throws {
  let (count, grid) = (plan.trajectories, plan.grid)
  try writer.createDataset("tensor", shape: [count, grid.frames, grid.cells])
  try writer.writeDataset("x-coordinate", shape: [grid.cells], values: plan.centers)
  try writer.writeDataset(
    "t-coordinate", shape: [grid.frames + 1], values: plan.times(count: grid.frames + 1))
  try writer.setAttribute("equation", to: .texts([plan.equation.name]))
  try writer.setAttribute("seed", to: .texts([String(plan.seed)]))
  for parameter in plan.equation.parameters {
    switch plan.parameters[parameter.name] ?? parameter.standard {
    case .fixed(let value): try writer.setAttribute(parameter.name, to: .numbers([value]))
    case .drawn: try writer.createDataset(parameter.name, shape: [count], type: .float64)
    }
  }
  for number in 0..<count {
    let (values, drawn) = try plan.trajectory(number)
    try writer.write(
      values, to: "tensor", start: [number, 0, 0], count: [1, grid.frames, grid.cells])
    for (name, value) in drawn where plan.isDrawn(name) {
      try writer.write([value], to: name, start: [number], count: [1])
    }
    progress(number + 1)
  }
}

private func writeGroups(
  _ plan: PDEPlan, to writer: HDF5Writer, progress: (Int) -> Void
) throws {
  let grid = plan.grid
  let shape = [grid.frames, grid.cells, grid.cells, plan.equation.fields.count]
  for number in 0..<plan.trajectories {
    let digits = String(number)
    let group = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    let (values, drawn) = try plan.trajectory(number)
    try writer.writeDataset("\(group)/data", shape: shape, values: values)
    try writer.writeDataset("\(group)/grid/x", shape: [grid.cells], values: plan.centers)
    try writer.writeDataset("\(group)/grid/y", shape: [grid.cells], values: plan.centers)
    try writer.writeDataset(
      "\(group)/grid/t", shape: [grid.frames], values: plan.times(count: grid.frames))
    try writer.setAttribute(
      "config", of: group, to: .texts([plan.configuration(number, parameters: drawn)]))
    progress(number + 1)
  }
}

extension PDEPlan {
  /// Cell centers.
  fileprivate var centers: [Float] {
    let domain = equation.domain
    let cellSize = (domain.upperBound - domain.lowerBound) / Double(grid.cells)
    return (0..<grid.cells).map { Float(domain.lowerBound + (Double($0) + 0.5) * cellSize) }
  }

  fileprivate func times(count: Int) -> [Float] {
    (0..<count).map { Float(Double($0) * grid.interval) }
  }

  fileprivate func isDrawn(_ parameter: String) -> Bool {
    if case .drawn = parameters[parameter] { true } else { false }
  }

  /// What made a trajectory, as YAML.
  fileprivate func configuration(_ number: Int, parameters: [String: Double]) -> String {
    let lines =
      ["equation: \(equation.name)", "seed: \(seed)", "trajectory: \(number)"]
      + parameters.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return "sim:\n" + lines.map { "  \($0)\n" }.joined()
  }
}
