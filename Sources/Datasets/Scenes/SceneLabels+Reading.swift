import Recipes

extension SceneLabels {
  /// Classes from a label image.
  ///
  /// `label_map` says which stored value is which class. Without it values 1, 2, … are classes 0, 1, …
  /// where there is a name for each, or all occur; else the values that occur are numbered in their
  /// order, and named by themselves where the recipe names none.
  ///
  /// - Throws: `DataError.optionInvalid` where values and names do not fit each other, or a value is no
  ///   whole number.
  package init(_ image: SceneArray, _ target: SceneOptions.Target) throws(DataError) {
    var stored: [Int] = []
    stored.reserveCapacity(image.values.count)
    for value in image.values {
      guard let whole = Int(exactly: value) else {
        throw .optionInvalid(
          key: "data.target.variable", found: "an array of \(image.path) with the value \(value)",
          expected: "labels, which are whole numbers")
      }
      stored.append(whole)
    }
    let unlabelled = Int(exactly: target.unlabelled)
    let values = Set(stored).filter { $0 != unlabelled }.sorted()
    guard let largest = values.last else {
      throw .optionInvalid(
        key: "data.target", found: "\(image.path) without a labelled pixel",
        expected: "labels other than \(target.unlabelled)")
    }
    let classOfValue: [Int: Int]
    let names: [String]
    if let map = target.classOfValue {
      let mapped = try Self.mapped(values, map, target.unmapped)
      let count = (Array(map.values) + Array(mapped.values)).reduce(-1, max) + 1
      names = target.classNames ?? (0..<count).map(String.init)
      classOfValue = mapped
      guard names.count >= count else {
        throw .optionInvalid(
          key: "data.target.label_map", found: "class \(count - 1)",
          expected: "classes up to \(names.count - 1), for which there are class_names")
      }
    } else {
      let isDense =
        values[0] >= 1
        && (target.classNames.map { largest <= $0.count } ?? (largest == values.count))
      guard isDense || target.classNames == nil || target.classNames?.count == values.count else {
        throw .optionInvalid(
          key: "data.target.class_names", found: "\(target.classNames?.count ?? 0) names",
          expected: "one for each of the values \(values)")
      }
      classOfValue = Dictionary(
        uniqueKeysWithValues: values.enumerated().map { ($1, isDense ? $1 - 1 : $0) })
      names = target.classNames ?? values.map(String.init)
    }
    self.init(
      width: image.width, height: image.height,
      classes: stored.map { $0 == unlabelled ? -1 : classOfValue[$0] ?? -1 }, classNames: names)
  }

  private static func mapped(
    _ values: [Int], _ map: [String: Int], _ unmapped: TargetSection.Unmapped
  ) throws(DataError) -> [Int: Int] {
    var result: [Int: Int] = [:]
    for value in values {
      if let index = map["\(value)"] {
        result[value] = index
        continue
      }
      switch unmapped {
      case .ignore: continue
      case .index(let index): result[value] = index
      case .error:
        throw .optionInvalid(
          key: "data.target.label_map", found: "without the stored value \(value)",
          expected: "a class for it, or unmapped: ignore")
      }
    }
    return result
  }

  /// The same without some pixels' classes.
  func without(_ isExcluded: [Bool]) -> SceneLabels {
    SceneLabels(
      width: width, height: height,
      classes: zip(classes, isExcluded).map { $1 ? -1 : $0 }, classNames: classNames)
  }
}
