import Datasets
import Layers
import Recipes
import Tasks
import Tensors

/// Best, median and worst sample of an evaluation as pictures.
struct ShownSamples {
  let task: any SampleTask
  let model: AssembledModel

  /// Pixels along the longer side of a picture, at most; larger ones are thinned.
  private static let longestSide = 256
  /// Numbers that a note names, at most.
  private static let mostValues = 4

  /// The first samples of the units that stand out by their scores; empty without scores.
  func chosen(
    from sets: [any SampleSet], units: [String], scores: [Double], lowerIsBetter: Bool,
    places: [SampleEvaluation.Place]
  ) throws -> [RunRecord.Sample] {
    let order = scores.indices.filter { scores[$0].isFinite }
      .sorted { (scores[$0], $0) < (scores[$1], $1) }
    guard var best = order.first, var worst = order.last else { return [] }
    if !lowerIsBetter { swap(&best, &worst) }
    let named = [("best", best), ("median", order[order.count / 2]), ("worst", worst)]
    return try named.prefix(order.count < 3 ? 1 : 3).map { rank, unit in
      let place = places[unit]
      let set = sets[place.set]
      let fields = stackedFields([try set.sample(place.index, epoch: 0)])
      var sample = RunRecord.Sample(
        identifier: set.identifier(place.index), rank: rank, score: scores[unit],
        panels: panels(fields))
      sample.note = note(fields)
      return sample
    }
  }

  /// True and decided class of a sample with its probability, or true and predicted numbers.
  private func note(_ fields: [String: Tensor]) -> String? {
    let names = task.target.names
    guard [.label, .values].contains(task.target.kind),
      let target = fields[TargetDescription.field]?.row(0)
    else { return nil }
    let values = task.prediction(model.output(fields, .evaluation)).detached().row(0)
      .elements(as: Float.self)
    guard task.target.kind == .label else {
      let truths = target.elements(as: Float.self)
      guard truths.count == values.count, names.count == values.count else { return nil }
      return zip(names, zip(truths, values)).prefix(Self.mostValues).map { name, pair in
        "\(name) \(pair.0), predicted \(pair.1)"
      }.joined(separator: "; ")
    }
    let truth = Int(target.elements(as: Int32.self)[0])
    guard let decided = values.indices.max(by: { (values[$0], $1) < (values[$1], $0) }),
      names.indices.contains(truth), names.indices.contains(decided)
    else { return nil }
    let percent = Int((100 * values[decided]).rounded())
    return "true class \(names[truth]), decided \(names[decided]) with probability \(percent) %"
  }

  private func panels(_ fields: [String: Tensor]) -> [RunRecord.Panel] {
    var panels: [RunRecord.Panel] = []
    if let input = fields[model.inputNames.first]?.row(0), input.rank == 3 {
      panels.append(panel("input", input, band: 0))
    }
    guard let target = fields[TargetDescription.field]?.row(0), target.rank >= 2 else {
      return panels
    }
    let prediction = task.prediction(model.output(fields, .evaluation)).detached().row(0)
    guard task.target.kind == .classMap else {
      let error = prediction - target
      return panels + [
        panel("truth", target, band: 0), panel("prediction", prediction, band: 0),
        panel("error", error, band: 0, isSigned: true),
      ]
    }
    let decided = prediction.decisions
    let truth = target.elements(as: Int32.self)
    let size = [1] + target.shape
    func map(_ values: [Float]) -> Tensor { Tensor(values, shape: size) }
    let ignored = Int32(task.target.ignoreIndex)
    let wrong = zip(decided, truth).map { Float($1 != ignored && $0 != $1 ? 1 : 0) }
    var maps = [
      panel("truth", map(truth.map { $0 == ignored ? .nan : Float($0) }), band: 0),
      panel("prediction", map(decided.map { Float($0) }), band: 0),
    ]
    for number in maps.indices { maps[number].classNames = task.target.names }
    var error = panel("error", map(wrong), band: 0)
    error.classNames = ["right or not judged", "wrong"]
    return panels + maps + [error]
  }

  private func panel(
    _ title: String, _ image: Tensor, band: Int, isSigned: Bool = false
  ) -> RunRecord.Panel {
    let (height, width) = (image.shape[1], image.shape[2])
    let step = max(1, (max(height, width) + Self.longestSide - 1) / Self.longestSide)
    let rows = Array(stride(from: 0, to: height, by: step))
    let columns = Array(stride(from: 0, to: width, by: step))
    let values = image.withElements(of: Float.self) { elements in
      rows.flatMap { row in columns.map { elements[(band * height + row) * width + $0] } }
    }
    return RunRecord.Panel(
      title: title, rows: rows.count, columns: columns.count, rowAxis: "y (pixels)",
      columnAxis: "x (pixels)", unit: unit(of: title),
      values: values, isSigned: isSigned)
  }

  /// Inputs are drawn as the model sees them, whatever the unit of the data.
  private func unit(of title: String) -> String {
    if title == "input" { return "first band, as the model sees it" }
    return task.target.kind == .classMap ? "" : task.target.unit ?? ""
  }
}
