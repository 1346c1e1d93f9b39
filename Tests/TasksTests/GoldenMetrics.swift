import Foundation
import Recipes
import TestSupport
import Testing

/// What reference libraries say, written by `Golden/make_golden.py`.
struct GoldenMetrics: Decodable {
  struct Multiclass: Decodable {
    let classes: Int
    let truth: [Int]
    let probabilities: [[Float]]
    let expected: [String: Figure]
    let torchmetrics: [String: Figure]
  }
  struct Multilabel: Decodable {
    let truth: [[Int]]
    let probabilities: [[Float]]
    let expected: [String: Figure]
    let torchmetrics: [String: Figure]
  }
  struct Maps: Decodable {
    struct Map: Decodable {
      let height: Int
      let width: Int
      let truth: String
      let prediction: String
    }
    let classes: Int
    let ignored: Int
    let maps: [Map]
    let expected: [String: Figure]
  }
  struct Regression: Decodable {
    let truth: [Float]
    let prediction: [Float]
    let expected: [String: Double]
  }
  struct Images: Decodable {
    struct Image: Decodable {
      let height: Int
      let width: Int
      let clean: [Float]
      let noisy: [Float]
      let expected: [String: Double]
    }
    let border: Int
    let images: [Image]
  }
  struct Paired: Decodable {
    struct SignFlip: Decodable {
      let differences: [Double]
      let p: Double
    }
    struct McNemar: Decodable {
      let first: Int
      let second: Int
      let p: Double
    }
    let sign_flip: [SignFlip]
    let mcnemar: [McNemar]
  }

  let multiclass: [Multiclass]
  let multilabel: Multilabel
  let maps: Maps
  let regression: Regression
  let images: Images
  let paired: Paired

  static func stored() throws -> GoldenMetrics {
    let file = PackageFolder.url("Tests/TasksTests/Golden/metrics.json")
    return try JSONDecoder().decode(GoldenMetrics.self, from: Data(contentsOf: file))
  }

  /// One number, or one per class; null stands for what is not a number.
  enum Figure: Decodable {
    case one(Double)
    case perClass([Double?])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self = .one(number)
      } else {
        self = .perClass(try container.decode([Double?].self))
      }
    }
  }
}

extension [String: GoldenMetrics.Figure] {
  /// Compares records by name, those of classes as `<name>_<class>`; a name may end in `_class`.
  func check(_ records: [RunRecord.Metric], classNames: [String], within tolerance: Double) throws {
    #expect(!isEmpty)
    for (name, figure) in self {
      let values: [(name: String, value: Double?)]
      switch figure {
      case .one(let value): values = [(name, value)]
      case .perClass(let list):
        let base = name.hasSuffix("_class") ? String(name.dropLast(6)) : name
        values = zip(classNames, list).map { ("\(base)_\($0)", $1) }
      }
      for (name, expected) in values {
        let found = try #require(records.first { $0.name == name }, "\(name)").value
        if let expected {
          #expect(abs(found - expected) <= tolerance * abs(expected), "\(name): \(found)")
        } else {
          #expect(found.isNaN, "\(name): \(found)")
        }
      }
    }
  }
}
