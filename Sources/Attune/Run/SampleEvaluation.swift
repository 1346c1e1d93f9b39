import Backbones
import Datasets
import Formats
import Layers
import Recipes
import Tasks
import Tensors

/// Runs a model over the samples of a split and measures it beside the trivial baseline.
///
/// Batches have a size of their own and never part a unit, so that results depend neither on the
/// recipe's batch size nor on the number of threads.
struct SampleEvaluation: Sendable {
  let task: any SampleTask
  let model: AssembledModel
  let losses: LossSum
  let metrics: [any Metric.Type]
  let comparison: ImageComparison
  /// `eval.tiled_inference`; nil for whole samples.
  let tiles: EvalSection.Tiles?
  let team: Team

  /// A sample by the number of its set and its own.
  struct Place: Sendable {
    let set: Int
    let index: Int
  }

  /// What was measured.
  struct Results {
    var judge: any Judge
    var baseline: (any Judge)?
    /// Identifiers of the units, in order.
    var units: [String]
    /// First sample of each unit.
    var firstPlaces: [Place]
    /// Mean of the samples' losses.
    var loss: Double
  }

  /// Measures all samples of some sets.
  func run(_ sets: [any SampleSet], withBaseline: Bool) throws -> Results {
    try measured(task.judge(metrics, comparison), sets, withBaseline)
  }

  private func measured<J: Judge>(
    _ judge: J, _ sets: [any SampleSet], _ withBaseline: Bool
  ) throws -> Results {
    let units = Self.units(of: sets, bySample: type(of: task).isJudgedBySample)
    let items = Self.items(units)
    let done = try team.results(
      items.count, write: { $0.write(to: &$1) },
      read: { Item(from: &$0, made: judge.unit) }
    ) { number in
      try evidence(judge, sets, units[items[number]], withBaseline)
    }
    var (judged, baseline) = (judge, judge)
    var (loss, count) = (0.0, 0)
    for item in done {
      for unit in item.units { judged.collect(unit) }
      for unit in item.baselines { baseline.collect(unit) }
      loss += item.loss
      count += item.count
    }
    return Results(
      judge: judged, baseline: withBaseline ? baseline : nil, units: units.map(\.name),
      firstPlaces: units.map { $0.places[0] }, loss: loss / Double(max(1, count)))
  }

  // MARK: Units

  /// Samples that are judged together.
  private struct Unit: Sendable {
    let name: String
    var places: [Place]
  }

  /// In the order of their first samples.
  private static func units(of sets: [any SampleSet], bySample: Bool) -> [Unit] {
    var units: [Unit] = []
    var numbers: [String: Int] = [:]
    for (number, set) in sets.enumerated() {
      for index in 0..<set.count {
        let own = bySample ? set.identifier(index) : set.unit(index)
        let name = sets.count == 1 ? own : "\(number):\(own)"
        let place = Place(set: number, index: index)
        if let unit = numbers[name] {
          units[unit].places.append(place)
        } else {
          numbers[name] = units.count
          units.append(Unit(name: name, places: [place]))
        }
      }
    }
    return units
  }

  /// Samples that go through the model together, at most.
  private static let batchSize = 32
  /// Values of an input in such a batch, at most.
  private static let batchElements = 1 << 20

  /// Neighbouring units that together fill a batch, so that one thread works on one item.
  private static func items(_ units: [Unit]) -> [Range<Int>] {
    var items: [Range<Int>] = []
    var (start, samples) = (0, 0)
    for (number, unit) in units.enumerated() {
      samples += unit.places.count
      if samples >= batchSize || number == units.count - 1 {
        items.append(start..<(number + 1))
        (start, samples) = (number + 1, 0)
      }
    }
    return items
  }

  // MARK: Evidence

  private struct Item<Evidence: Sendable & Portable>: Sendable {
    var units: [Evidence]
    var baselines: [Evidence]
    var loss = 0.0
    var count = 0

    init(units: [Evidence], baselines: [Evidence]) {
      self.units = units
      self.baselines = baselines
    }

    /// Reads one whose evidence is made by `made`.
    init(from reader: inout ByteReader, made: () -> Evidence) {
      func evidence() -> [Evidence] {
        (0..<reader.value(Int.self)).map { _ in
          var unit = made()
          unit.read(from: &reader)
          return unit
        }
      }
      units = evidence()
      baselines = evidence()
      loss = reader.value()
      count = reader.value()
    }

    func write(to writer: inout ByteWriter) {
      for list in [units, baselines] {
        writer.append(list.count)
        for unit in list { unit.write(to: &writer) }
      }
      writer.append(loss)
      writer.append(count)
    }
  }

  private func evidence<J: Judge>(
    _ judge: J, _ sets: [any SampleSet], _ units: ArraySlice<Unit>, _ withBaseline: Bool
  ) throws -> Item<J.Unit> {
    var item = Item(
      units: units.map { _ in judge.unit() },
      baselines: withBaseline ? units.map { _ in judge.unit() } : [])
    var batch: [(unit: Int, fields: [String: Tensor])] = []
    func flush() throws {
      guard !batch.isEmpty else { return }
      let fields = stackedFields(batch.map(\.fields))
      try add(fields, units: batch.map(\.unit), judge, &item)
      batch = []
    }
    for (number, unit) in units.enumerated() {
      for place in unit.places {
        let fields = try sets[place.set].sample(place.index, epoch: 0)
        let elements = fields.values.map(\.elementCount).max() ?? 1
        let isFull =
          batch.count == Self.batchSize || batch.count * elements >= Self.batchElements
        let isOther = batch.first.map { first in
          fields.contains { $0.value.shape != first.fields[$0.key]?.shape }
        }
        if isFull || isOther ?? false { try flush() }
        batch.append((number, fields))
      }
    }
    try flush()
    return item
  }

  /// Raw outputs of a batch, tile by tile where its images are larger than the recipe's tiles.
  private func output(_ fields: [String: Tensor]) throws -> Tensor {
    let image = fields[model.inputNames.first]?.shape ?? []
    guard let tiles, type(of: task).output != .vector, image.count == 4,
      max(image[2], image[3]) > tiles.crop
    else {
      try model.network.check(
        model.inputNames.shapes(fields.mapValues { Array($0.shape.dropFirst()) }))
      return model.output(fields, .evaluation).detached()
    }
    let rows = try (0..<image[0]).map { row in
      let sample = fields.mapValues { $0.row(row) }
      var parts: [Tensor] = []
      try TiledModel(model, tiles, like: sample).run(
        width: image[3], height: image[2], threads: 1,
        read: { window in sample.mapValues { $0.rank == 3 ? $0.cut(to: window) : $0 } },
        sink: { parts.append($1) })
      let whole = Tensor.concatenated(parts, axis: 1)
      return whole.reshaped(to: [1] + whole.shape)
    }
    return .concatenated(rows, axis: 0)
  }

  /// Predicts a batch and adds each sample to its unit.
  private func add<J: Judge>(
    _ fields: [String: Tensor], units: [Int], _ judge: J, _ item: inout Item<J.Unit>
  ) throws {
    guard let target = fields[TargetDescription.field] else {
      preconditionFailure("samples without target")
    }
    let output = try output(fields)
    let compared = task.compared(output, target)
    let prediction = task.prediction(output)
    let baseline =
      item.baselines.isEmpty
      ? nil : task.baseline(fields, input: model.inputNames.first)
    for (row, unit) in units.enumerated() {
      let truth = target.row(row)
      try judge.add(prediction: prediction.row(row), target: truth, to: &item.units[unit])
      if let baseline {
        try judge.add(prediction: baseline.row(row), target: truth, to: &item.baselines[unit])
      }
      let own = compared.target.sliced(axis: 0, row..<(row + 1))
      guard !losses.masses(of: own).contains(0) else { continue }
      item.loss +=
        losses(prediction: compared.output.sliced(axis: 0, row..<(row + 1)), target: own).scalar
      item.count += 1
    }
  }
}

extension Tensor {
  /// One sample of a batch, without the batch axis.
  func row(_ index: Int) -> Tensor {
    sliced(axis: 0, index..<(index + 1)).reshaped(to: Array(shape.dropFirst()))
  }
}
