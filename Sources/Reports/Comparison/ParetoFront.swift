/// Which of several choices no other one beats in cost and in value at once.
enum ParetoFront {
  typealias Choice = (cost: Double, value: Double)

  /// Numbers of the choices on the front, cheapest first; of equal ones all stay.
  static func indices(of choices: [Choice], lowerIsBetter: Bool) -> [Int] {
    func isBetter(_ one: Double, _ other: Double) -> Bool {
      lowerIsBetter ? one < other : one > other
    }
    func beats(_ one: Choice, _ other: Choice) -> Bool {
      one.cost <= other.cost && !isBetter(other.value, one.value)
        && (one.cost < other.cost || isBetter(one.value, other.value))
    }
    return choices.indices.filter { index in
      choices[index].cost.isFinite && choices[index].value.isFinite
        && !choices.contains { beats($0, choices[index]) }
    }.sorted { choices[$0].cost < choices[$1].cost }
  }
}
