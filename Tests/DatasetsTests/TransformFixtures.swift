import Datasets
import Recipes
import Tensors

/// A transform of a name with its options, as a recipe gives them.
func transform(_ name: String, _ options: [PlainValue.Field] = []) throws -> any Transform {
  let type = try transforms.entry(named: name)
  let diagnostics = Diagnostics()
  let located = Located(
    plain: .map(options), at: SourceLocation(source: "test"), path: "data.transforms.0")
  let made = type.init(OptionReader(located, type.options, diagnostics), diagnostics)
  try diagnostics.throwErrors()
  return made
}

/// A list of numbers as a recipe gives it.
func numbers(_ values: Double...) -> PlainValue { .list(values.map { .number($0) }) }

/// The stream of one sample.
func augmentation(_ index: Int = 0) -> Philox {
  Philox(seed: 5, purpose: .augmentation, step: 0, index: index)
}

/// Two inputs that say in each pixel where it was, and a target beside them.
///
/// Input `a` holds 100 · row + column and its negative, input `b` 100 · row + column + 0.5.
func places(
  _ height: Int, _ width: Int, target: ImageSample.TargetMeaning? = .classes(ignored: 255)
) -> ImageSample {
  let numbers = (0..<(height * width)).map { Float(100 * ($0 / width) + $0 % width) }
  return ImageSample(
    inputs: [
      "a": Tensor(numbers + numbers.map { -$0 }, shape: [2, height, width]),
      "b": Tensor(numbers.map { $0 + 0.5 }, shape: [1, height, width]),
    ],
    target: target.map { _ in Tensor(numbers, shape: [1, height, width]) },
    meaning: target ?? .values)
}

extension ImageSample {
  /// Values of an input.
  func values(_ name: String = "a") -> [Float] {
    inputs[name]?.elements(as: Float.self) ?? []
  }

  /// Values of the target.
  var targetValues: [Float] { target?.elements(as: Float.self) ?? [] }

  /// Whether all images still show the same place in each pixel.
  var movesJointly: Bool {
    let first = values("a")
    let pixels = first.prefix(first.count / 2)
    return Array(pixels) == targetValues && pixels.map { $0 + 0.5 } == values("b")
      && first.suffix(first.count / 2).elementsEqual(pixels.map { -$0 })
  }
}
