import Recipes

/// From stored values to classes, by `label_map`, `class_names` or as they are.
struct ClassCoding: Sendable {
  let names: [String]
  let ignoreIndex: Int
  private let unmapped: TargetSection.Unmapped
  private let classOfText: [String: Int]?
  private let classOfNumber: [Int: Int]?
  private let unlabelled: Float?

  /// For stored texts or whole numbers that were seen in all parts.
  ///
  /// - Throws: `DataError.optionInvalid` where the map and the names do not fit each other.
  init(_ target: RasterTarget, seen: Set<String>) throws(DataError) {
    ignoreIndex = target.ignoreIndex
    unmapped = target.unmapped
    unlabelled = target.unlabelled.map { Float($0) }
    if let map = target.classOfValue {
      classOfText = map
      classOfNumber = Self.numbers(map)
      var largest = map.values.filter { $0 != target.ignoreIndex }.max() ?? 0
      if case .index(let index) = target.unmapped { largest = max(largest, index) }
      let count = largest + 1
      let known = target.classNames ?? (0..<count).map(String.init)
      guard known.count >= count else {
        throw .optionInvalid(
          key: "data.target.label_map", found: "class \(count - 1)",
          expected: "classes up to \(known.count - 1), for which there are class_names")
      }
      names = known
      return
    }
    let whole = seen.compactMap { Int($0) }.filter { $0 != target.ignoreIndex }
    let areNumbers = seen.allSatisfy { Int($0) != nil }
    classOfNumber = nil
    let known =
      target.classNames
      ?? (areNumbers ? (0...max(0, whole.max() ?? 0)).map(String.init) : seen.sorted())
    names = known
    classOfText =
      areNumbers ? nil : Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
  }

  /// Keys that are whole numbers, to their class.
  private static func numbers(_ map: [String: Int]) -> [Int: Int] {
    var numbers: [Int: Int] = [:]
    for (key, value) in map { if let number = Int(key) { numbers[number] = value } }
    return numbers
  }

  /// Class of a stored text.
  func index(of text: String, path: String) throws(TargetError) -> Int {
    if let classOfText {
      if let index = classOfText[text] { return index }
      return try unmappedIndex(text, path)
    }
    guard let value = Int(text) else { throw unknown(text, path) }
    return try index(value, text, path)
  }

  /// Class of a stored number; no-data is the caller's.
  func index(of value: Float, path: String) throws(TargetError) -> Int {
    if value == unlabelled { return ignoreIndex }
    guard let whole = Int(exactly: value) else { throw unknown("\(value)", path) }
    if let classOfNumber {
      if let index = classOfNumber[whole] { return index }
      return try unmappedIndex("\(whole)", path)
    }
    return try index(whole, "\(whole)", path)
  }

  private func index(_ value: Int, _ text: String, _ path: String) throws(TargetError) -> Int {
    if names.indices.contains(value) || value == ignoreIndex { return value }
    return try unmappedIndex(text, path)
  }

  private func unmappedIndex(_ text: String, _ path: String) throws(TargetError) -> Int {
    switch unmapped {
    case .ignore: return ignoreIndex
    case .index(let index): return index
    case .error: throw unknown(text, path)
    }
  }

  private func unknown(_ text: String, _ path: String) -> TargetError {
    .labelUnknown(value: text, path: path, known: names)
  }
}
