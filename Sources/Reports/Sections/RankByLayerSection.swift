internal import Recipes

extension RunSection {
  /// Effective rank of the updates and intruder dimensions over the depth of the model.
  static let rankByLayer = RunSection(title: "Rank by layer") { run in
    let places = LayerPlaces.all(run.record.model.updates ?? [])
    guard Set(places.map(\.layer)).count > 1 else { return [] }
    let updates = places.map(\.update)
    var blocks = [figure("effective rank", places, .linear, value: \.effectiveRank)]
    if updates.contains(where: { $0.intruders > 0 }) {
      blocks.append(
        figure("intruder dimensions", places, .whole) { Double($0.intruders) })
    }
    return blocks
  }

  private static func figure(
    _ quantity: String, _ places: [LayerPlace], _ scale: Axis.Scale,
    value: (RunRecord.WeightUpdate) -> Double
  ) -> Block {
    var kinds: [String] = []
    for place in places where !kinds.contains(place.kind) { kinds.append(place.kind) }
    let series = kinds.map { kind in
      Chart.Series(
        name: kind,
        points: places.filter { $0.kind == kind }.map {
          Chart.Point(Double($0.layer), value($0.update))
        }, style: .marks)
    }
    let means = series.map { series in
      "\(series.name) \(Numbers.significant(Numbers.mean(series.points.map(\.y)), digits: 2))"
    }
    let layers = Set(places.map(\.layer)).count
    let words =
      "\(quantity) of the updates over \(Numbers.count(layers)) blocks; means: "
      + means.joined(separator: ", ")
    let chart = Chart(x: "block", .whole, y: quantity, scale, series: series)
    return .figure(
      Figure(
        name: "layers-\(quantity.split(separator: " ").joined(separator: "-"))",
        svg: chart.svg(alternative: words), alternative: words,
        caption: words + ". Blocks in the order of their paths, from 0."))
  }
}

/// Where in the model an update sits.
struct LayerPlace {
  let layer: Int
  /// Its module's path within the block.
  let kind: String
  let update: RunRecord.WeightUpdate
}

enum LayerPlaces {
  /// Updates of modules inside numbered blocks, the blocks counted from 0 in the order of their paths:
  /// `layers.0.blocks.1.attn.qkv` is `attn.qkv` in the block `layers.0.blocks.1`.
  static func all(_ updates: [RunRecord.WeightUpdate]) -> [LayerPlace] {
    let split = updates.compactMap {
      update -> (block: [Substring], kind: String, RunRecord.WeightUpdate)? in
      let parts = update.module.split(separator: ".")
      guard let number = parts.dropLast().lastIndex(where: { Int($0) != nil }) else { return nil }
      return (
        Array(parts[...number]), parts[(number + 1)...].joined(separator: "."), update
      )
    }
    let blocks = Set(split.map(\.block)).sorted(by: precedes)
    return split.compactMap { block, kind, update in
      blocks.firstIndex(of: block).map { LayerPlace(layer: $0, kind: kind, update: update) }
    }
  }

  /// Numbers by value, other parts by letters.
  private static func precedes(_ first: [Substring], _ second: [Substring]) -> Bool {
    for (one, other) in zip(first, second) where one != other {
      if let number = Int(one), let next = Int(other) { return number < next }
      return one < other
    }
    return first.count < second.count
  }
}
