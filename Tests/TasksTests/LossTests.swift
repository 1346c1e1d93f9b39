import Foundation
import Recipes
import Tasks
import Tensors
import TestSupport
import Testing

/// A loss of a name with options, fitted to a target.
private func loss(
  _ name: String, _ options: [PlainValue.Field] = [], _ target: TargetDescription
) throws -> any Loss {
  let type = try losses.entry(named: name)
  let diagnostics = Diagnostics()
  let located = Located(
    plain: .map(options), at: SourceLocation(source: "test"), path: "train.loss")
  let made = type.init(OptionReader(located, type.options, diagnostics), diagnostics)
  try diagnostics.throwErrors()
  return try made.fitted(to: target)
}

/// Its value.
private func value(
  _ name: String, _ options: [PlainValue.Field], _ target: TargetDescription, _ p: Tensor,
  _ y: Tensor
) throws -> Double {
  let made = try loss(name, options, target)
  return made(prediction: p, target: y, mass: nil).scalar
}

private let classes = TargetDescription(
  kind: .label, names: ["a", "b", "c"], ignoreIndex: 9, counts: [6, 3, 1])
private let maps = TargetDescription(
  kind: .classMap, names: ["a", "b"], ignoreIndex: 9, counts: [6, 2])

/// −log of the softmax of a row at a class.
private func surprise(_ row: [Double], _ label: Int) -> Double {
  log(row.reduce(0) { $0 + exp($1) }) - row[label]
}

@Suite("Losses")
struct LossTests {
  private let rows: [[Double]] = [[1, 2, 0.5], [0, -1, 3], [2, 2, 2], [0.1, 0.2, 0.3]]
  private var logits: Tensor { Tensor(rows.flatMap { $0.map { Float($0) } }, shape: [4, 3]) }
  private let labels = Tensor([1, 2, 9, 0] as [Int32], shape: [4])

  private func value(_ name: String, _ options: [PlainValue.Field] = []) throws -> Double {
    try TasksTests.value(name, options, classes, logits, labels)
  }

  @Test("cross entropy is the mean over labels that are not ignored")
  func crossEntropy() throws {
    let each = [surprise(rows[0], 1), surprise(rows[1], 2), surprise(rows[3], 0)]
    #expect(abs(try value("cross-entropy") - each.reduce(0, +) / 3) < 1e-6)
    // Weights 1, 2, 4: PyTorch divides by the weights of the labels.
    let weights = PlainValue.Field("class_weights", .list([.number(1), .number(2), .number(4)]))
    let weighted = (2 * each[0] + 4 * each[1] + each[2]) / 7
    #expect(abs(try value("cross-entropy", [weights]) - weighted) < 1e-6)
    // Balanced: 10 / (3 · 6), 10 / (3 · 3), 10 / (3 · 1).
    let balanced = (each[0] / 3 + each[1] + each[2] / 6) / (1.0 / 3 + 1 + 1.0 / 6)
    let field = PlainValue.Field("class_weights", .text("balanced"))
    #expect(abs(try value("cross-entropy", [field]) - balanced) < 1e-6)
    // Smoothing 0.3 spreads 0.1 over each class.
    let smooth = [(0, 1), (1, 2), (3, 0)].map { row, label in
      0.7 * surprise(rows[row], label)
        + 0.1 * (0..<3).reduce(0) { $0 + surprise(rows[row], $1) }
    }
    let smoothing = PlainValue.Field("label_smoothing", .number(0.3))
    #expect(abs(try value("cross-entropy", [smoothing]) - smooth.reduce(0, +) / 3) < 1e-6)
  }

  @Test("focal loss weighs by (1 − p)^γ, and is cross entropy at 0")
  func focal() throws {
    let each = [(0, 1), (1, 2), (3, 0)].map { row, label in
      let s = surprise(rows[row], label)
      return pow(1 - exp(-s), 3) * s
    }
    let gamma = PlainValue.Field("gamma", .number(3))
    #expect(abs(try value("focal", [gamma]) - each.reduce(0, +) / 3) < 1e-6)
    let none = PlainValue.Field("gamma", .number(0))
    #expect(abs(try value("focal", [none]) - value("cross-entropy")) < 1e-6)
  }

  @Test("the parts of a batch add up to the whole, wherever ignored labels are")
  func parts() throws {
    for (name, options) in [
      ("cross-entropy", [PlainValue.Field("class_weights", .text("balanced"))]),
      ("cross-entropy", []), ("focal", []),
    ] {
      let loss = try loss(name, options, classes)
      let whole = loss(prediction: logits, target: labels, mass: nil).scalar
      let mass = try #require(loss.mass(of: labels))
      var sum = 0.0
      for part in [0..<1, 1..<3, 3..<4] {
        let share = Double(part.count) / 4
        sum +=
          share
          * loss(
            prediction: logits.sliced(axis: 0, part), target: labels.sliced(axis: 0, part),
            mass: mass * share
          ).scalar
      }
      #expect(abs(sum - whole) < 1e-6, "\(name)")
    }
  }

  @Test("everything ignored is a loss of 0 without a gradient")
  func allIgnored() throws {
    let none = Tensor([9, 9, 9, 9] as [Int32], shape: [4])
    for name in ["cross-entropy", "focal"] {
      #expect(try TasksTests.value(name, [], classes, logits, none) == 0)
    }
  }

  /// Two pictures of 1×4 pixels: the first all right but one ignored pixel, the second by halves.
  private let labelMaps = Tensor([0, 0, 1, 9, 0, 0, 1, 1] as [Int32], shape: [2, 1, 4])

  @Test("Dice and Tversky of sure predictions, by hand")
  func overlap() throws {
    // Logits ±20: decisions [0, 0, 1, 1] and [1, 0, 1, 0].
    let decisions: [Float] = [0, 0, 1, 1, 1, 0, 1, 0]
    var values = [Float](repeating: 0, count: 16)
    for (place, decision) in decisions.enumerated() {
      let (sample, pixel) = (place / 4, place % 4)
      values[(sample * 2 + Int(decision)) * 4 + pixel] = 40
    }
    let logits = Tensor(values, shape: [2, 2, 1, 4])
    let smooth = PlainValue.Field("smooth", .number(1))
    // First: both classes are right, score (n + 1)/(n + 1) = 1. Second: one of two right in each
    // class, Σpg 1, false positives 1, false negatives 1: (1 + 1)/(1 + ½ + ½ + 1) = 2/3.
    let dice = try TasksTests.value("dice", [smooth], maps, logits, labelMaps)
    #expect(abs(dice - (0 + 1.0 / 3) / 2) < 1e-6)
    // α 0.2, β 0.6: 2/(1 + 0.2 + 0.6 + 1).
    let fields = [
      smooth, PlainValue.Field("alpha", .number(0.2)), PlainValue.Field("beta", .number(0.6)),
    ]
    let tversky = try TasksTests.value("tversky", fields, maps, logits, labelMaps)
    #expect(abs(tversky - (1 - 2 / 2.8) / 2) < 1e-6)
  }

  @Test("a class that a sample does not have counts, or is left out")
  func absentClass() throws {
    let logits = Tensor([40, 40, 0, 0] as [Float], shape: [1, 2, 1, 2])
    let labels = Tensor([0, 0] as [Int32], shape: [1, 1, 2])
    let smooth = PlainValue.Field("smooth", .number(0.5))
    let sure = try TasksTests.value("dice", [smooth], maps, logits, labels)
    #expect(abs(sure) < 1e-6)
    let half = Tensor([40, 0, 0, 40] as [Float], shape: [1, 2, 1, 2])
    // Class a: (1 + ½)/(1 + ½ + ½) = ¾; class b: ½/(½ + ½) = ½.
    let all = try TasksTests.value("dice", [smooth], maps, half, labels)
    #expect(abs(all - (0.25 + 0.5) / 2) < 1e-6)
    let present = PlainValue.Field("only_present", .boolean(true))
    let one = try TasksTests.value("dice", [smooth, present], maps, half, labels)
    #expect(abs(one - 0.25) < 1e-6)
  }

  @Test("a sum of losses weighs its terms")
  func sum() throws {
    let terms = LossSum([
      (try loss("cross-entropy", [], classes), 2), (try loss("focal", [], classes), 0.5),
    ])
    let expected = try 2 * value("cross-entropy") + 0.5 * value("focal")
    #expect(abs(terms(prediction: logits, target: labels).scalar - expected) < 1e-6)
    #expect(terms.masses(of: labels) == [3, 3])
  }

  @Test("losses over values leave out targets that are not known")
  func values() throws {
    let known = TargetDescription(kind: .valueMap, names: ["h"], means: [0], deviations: [1])
    let p = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])
    let y = Tensor([0, .nan, 5, 4] as [Float], shape: [1, 1, 2, 2])
    #expect(abs(try TasksTests.value("mse", [], known, p, y) - 5.0 / 3) < 1e-6)
    #expect(abs(try TasksTests.value("l1", [], known, p, y) - 1) < 1e-6)
    #expect(try loss("l1", [], known).mass(of: y) == 3)
  }

  /// Values and gradients of `torch.nn.functional.cross_entropy` (2.15.0) in double precision for the
  /// same logits and shares.
  @Test("cross entropy with class shares is PyTorch's, smoothed and weighted too")
  func sharesOfClasses() throws {
    let x = Tensor([0.5, -1.2, 2, 1.5, 0.3, -0.7] as [Float], shape: [2, 3])
    let t = Tensor([0.2, 0.8, 0, 0.1, 0.3, 0.6] as [Float], shape: [2, 3])
    let smoothing = PlainValue.Field("label_smoothing", .number(0.1))
    let weights = PlainValue.Field(
      "class_weights", .list([.number(1), .number(2), .number(0.5)]))
    let cases: [([PlainValue.Field], Double, [Double])] = [
      (
        [], 2.5596007068966564,
        [-0.0117289706, -0.3838743373, 0.3956033078, 0.3041083082, -0.0433446272, -0.2607636810]
      ),
      (
        [smoothing], 2.467600706896657,
        [-0.0183956372, -0.3605410039, 0.3789366412, 0.2924416516, -0.0450112938, -0.2474303477]
      ),
      (
        [smoothing, weights], 3.6287379947138216,
        [0.0466306878, -0.7253284324, 0.6786977446, 0.2983434466, -0.1949003710, -0.1034430758]
      ),
    ]
    for (options, expected, gradient) in cases {
      #expect(abs(try TasksTests.value("cross-entropy", options, classes, x, t) - expected) < 1e-6)
      let made = try loss("cross-entropy", options, classes)
      let values = x.elements(as: Float.self)
      for place in values.indices {
        func shifted(_ by: Float) -> Double {
          var moved = values
          moved[place] += by
          return made(prediction: Tensor(moved, shape: [2, 3]), target: t, mass: nil).scalar
        }
        // Single precision: rounding 1e-7 over a step of 0.02.
        let slope = (shifted(0.01) - shifted(-0.01)) / 0.02
        #expect(abs(slope - gradient[place]) < 1e-4)
      }
      #expect(made.mass(of: t) == nil)
    }
  }

  @Test("binary and soft cross entropy, by hand")
  func binary() throws {
    let labels = TargetDescription(kind: .labels, names: ["a", "b"], counts: [1, 1])
    let x = Tensor([0.5, -1] as [Float], shape: [1, 2])
    let y = Tensor([1, 0] as [Float], shape: [1, 2])
    let expected = (log(1 + exp(-0.5)) + log(1 + exp(-1.0))) / 2
    for name in ["bce", "multilabel-soft-margin"] {
      #expect(abs(try TasksTests.value(name, [], labels, x, y) - expected) < 1e-6)
    }
    let shares = TargetDescription(kind: .shares, names: ["a", "b"])
    let t = Tensor([0.25, 0.75] as [Float], shape: [1, 2])
    let soft = 0.25 * surprise([0.5, -1], 0) + 0.75 * surprise([0.5, -1], 1)
    let found = try TasksTests.value("soft-cross-entropy", [], shares, x, t)
    #expect(abs(found - soft) < 1e-6)
  }

  @Test("a loss says what it compares")
  func targets() {
    #expect(CrossEntropy.targets == [.label, .classMap, .shares])
    #expect(FocalLoss.targets == [.label, .classMap])
    for type in [DiceLoss.self, TverskyLoss.self] as [any Loss.Type] {
      #expect(type.targets == [.classMap])
    }
    for type in [BinaryCrossEntropy.self, MultilabelSoftMargin.self] as [any Loss.Type] {
      #expect(type.targets == [.labels])
    }
    for type in [MeanSquaredError.self, MeanAbsoluteError.self] as [any Loss.Type] {
      #expect(type.targets == [.frames, .values, .valueMap, .image])
    }
    #expect(SoftCrossEntropy.targets == [.shares])
  }

  @Test("weights for other classes are refused")
  func wrongWeights() {
    let weights = PlainValue.Field("class_weights", .list([.number(1), .number(2)]))
    #expect {
      _ = try loss("cross-entropy", [weights], classes)
    } throws: {
      "\($0)".contains("one for each of the 3 classes")
    }
  }
}
