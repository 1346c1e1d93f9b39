import Recipes
package import Tensors

/// The images of one sample while transforms change them together.
package struct ImageSample: Sendable {
  /// What the numbers of a raster target mean: how it is resampled, and what stands outside of it.
  package enum TargetMeaning: Sendable, Equatable {
    /// Classes as numbers, `ignored` being the one that nothing counts.
    case classes(ignored: Float)
    /// Numbers, NaN where unknown.
    case values
    /// A clean image, treated as an input is wherever pixels move.
    case image
  }

  /// f32 `[channel, row, column]` by input name; after normalization, without unknown values.
  package var inputs: [String: Tensor]
  /// f32 `[channel, row, column]`; nil where the target is no raster.
  package var target: Tensor?
  package let meaning: TargetMeaning
  private var pixelScales: [String: Double] = [:]

  package init(inputs: [String: Tensor], target: Tensor? = nil, meaning: TargetMeaning = .values) {
    self.inputs = inputs
    self.target = target
    self.meaning = meaning
  }
}

extension ImageSample {
  /// Side of an input's pixel against that before all transforms: 2 where the image shrank to half.
  package func pixelScale(of input: String) -> Double { pixelScales[input, default: 1] }

  /// Rows and columns that all images have.
  ///
  /// - Throws: `DataError.optionInvalid` where they differ.
  func size(for transform: any Transform.Type) throws(DataError) -> (height: Int, width: Int) {
    let images = inputs.values + (target.map { [$0] } ?? [])
    guard let shape = images.first?.shape else { return (0, 0) }
    guard images.allSatisfy({ $0.shape[1...] == shape[1...] }) else {
      throw .optionInvalid(
        key: "data.transforms.\(transform.name)",
        found: "on images of " + sizes, expected: "images of one size; put resize before it")
    }
    return (shape[1], shape[2])
  }

  /// The sizes of all images, as messages list them.
  var sizes: String {
    let images = inputs.values + (target.map { [$0] } ?? [])
    return Set(images.map { "\($0.shape[1])×\($0.shape[2])" }).sorted().joined(separator: ", ")
  }

  /// The same change of all inputs and the target.
  func mapped(_ change: (Tensor) -> Tensor) -> ImageSample {
    var sample = self
    sample.inputs = inputs.mapValues(change)
    sample.target = target.map(change)
    return sample
  }

  /// A change of the inputs alone, in the order of their names.
  func mappedInputs(_ change: (Tensor) -> Tensor) -> ImageSample {
    var sample = self
    for (name, image) in inputs.sorted(by: { $0.key < $1.key }) {
      sample.inputs[name] = change(image)
    }
    return sample
  }

  /// A rectangle of all images.
  func cropped(rows: Range<Int>, columns: Range<Int>) -> ImageSample {
    mapped { $0.sliced(axis: 1, rows).sliced(axis: 2, columns).copied() }
  }

  /// Inputs and target brought to another size, classes by their nearest pixels.
  ///
  /// A target on a grid of its own, which is the size of no input, stays.
  func resized(
    to size: (height: Int, width: Int), by filter: ResizeFilter, antialias: Bool
  ) -> ImageSample {
    var sample = self
    sample.inputs = inputs.mapValues {
      Datasets.resized($0, to: size, by: filter, antialias: antialias)
    }
    for (name, image) in inputs {
      let areas = Double(image.shape[1] * image.shape[2]) / Double(size.height * size.width)
      sample.pixelScales[name, default: 1] *= areas.squareRoot()
    }
    if let target, inputs.values.contains(where: { $0.shape[1...] == target.shape[1...] }) {
      sample.target = Datasets.resized(
        target, to: size, by: meaning.filter(filter), antialias: antialias)
    }
    return sample
  }
}

extension ImageSample.TargetMeaning {
  /// The filter for the target where inputs take `filter`.
  func filter(_ filter: ResizeFilter) -> ResizeFilter {
    if case .classes = self { .nearest } else { filter }
  }

  /// What stands where a target is not known, `fill` being that of inputs.
  func outside(fill: Float) -> Float {
    switch self {
    case .classes(let ignored): ignored
    case .values: .nan
    case .image: fill
    }
  }
}
