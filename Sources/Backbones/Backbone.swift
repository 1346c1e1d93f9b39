package import Layers
package import Recipes
package import Tensors

/// An architecture that recipes name, built from its options inside a module tree.
///
/// Groups on the layers are what target patterns may name.
package protocol Backbone: RegistryEntry, Sendable {
  /// Target patterns of an adapter that names none.
  static var defaultTargets: [String] { get }
  /// Inputs by name; those of one input are called `image`, of PDEs `state`.
  static var inputNames: [String] { get }
  /// Whether it has a classification head of its own, built for `DataShape.classes`.
  static var hasHead: Bool { get }
  /// Whether its output is an image of the input's channels and size.
  static var givesImages: Bool { get }
  /// How the architecture is pretrained by masking, nil where it is not.
  static var maskedAutoencoder: (any MaskedAutoencoder.Type)? { get }

  /// Builds the layers.
  ///
  /// What the options contradict, among themselves or with the data, is recorded in
  /// `diagnostics`; the result is then not used. Recipes are checked before their data is opened,
  /// with a `data` that knows only what the recipe says.
  init(
    _ options: OptionReader, for data: DataShape, in scope: Scope, _ diagnostics: Diagnostics)

  /// Checkpoint layouts that this model reads, the one that it writes first.
  var layouts: [KeyLayout] { get }

  /// What a program that reads `layout` builds the same model from, the content of its
  /// `config.json`; nil where the program has no such file or no such model.
  func exportedConfiguration(layout: String) -> PlainValue?

  /// What heads and decoders may ask for; nil where the model has its own output only.
  var featureShape: FeatureShape? { get }

  /// A stored tensor of another shape made to fit `parameter`, as the family's programs do it.
  ///
  /// Position tables are resampled, input kernels follow the channel policy; nil where there is no
  /// rule.
  func fitted(
    _ stored: Tensor, to parameter: Parameter, _ fit: WeightFit
  ) throws(BackboneError) -> Tensor?

  /// Refuses inputs that the architecture cannot take, by name and shape.
  func check(_ shapes: [String: [Int]]) throws(BackboneError)

  /// Refuses a batch by its shapes, and where it lacks band centers or a resolution that the
  /// architecture needs.
  func check(_ input: BackboneInput) throws(BackboneError)

  /// Positions of one sample in the blocks, given batches of these shapes, where samples are
  /// independent of each other; nil where they are not, or where it is not known.
  func positions(_ shapes: [String: [Int]]) -> Int?

  /// The forward pass, with the axes that the family documents.
  ///
  /// Images are `[batch, channel, height, width]`, PDE states
  /// `[batch, time, field, component, depth, height, width]`. `maps` are numbers of blocks whose
  /// feature maps are wanted.
  func callAsFunction(
    _ input: BackboneInput, maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput
}

extension Backbone {
  package static var inputNames: [String] { ["image"] }
  package static var hasHead: Bool { false }
  package static var givesImages: Bool { false }
  package static var maskedAutoencoder: (any MaskedAutoencoder.Type)? { nil }
  package func exportedConfiguration(layout: String) -> PlainValue? { nil }
  package var featureShape: FeatureShape? { nil }
  package func positions(_ shapes: [String: [Int]]) -> Int? { nil }

  package func check(_ input: BackboneInput) throws(BackboneError) {
    try check(input.values.mapValues(\.shape))
  }

  package func fitted(
    _ stored: Tensor, to parameter: Parameter, _ fit: WeightFit
  ) throws(BackboneError) -> Tensor? { nil }

  /// Without feature maps.
  package func callAsFunction(
    _ input: BackboneInput, _ context: ForwardContext
  ) -> BackboneOutput { self(input, maps: [], context) }
}

/// What a backbone is told of the data before it is built; nil where it is not known yet.
package struct DataShape: Sendable, Equatable {
  /// Height and width in pixels.
  package var imageSize: [Int]?
  package var channels: Int?
  /// Classes of a head that belongs to the architecture; nil for none.
  package var classes: Int?

  package init(imageSize: [Int]? = nil, channels: Int? = nil, classes: Int? = nil) {
    self.imageSize = imageSize
    self.channels = channels
    self.classes = classes
  }
}

/// One batch as a backbone takes it.
package struct BackboneInput: Sendable {
  /// Values by input name.
  package var values: [String: Tensor]
  /// Band centers in nanometers, by input name.
  package var wavelengths: [String: [Double]]
  /// Meters per pixel.
  package var resolution: Double?

  package init(
    _ values: [String: Tensor], wavelengths: [String: [Double]] = [:], resolution: Double? = nil
  ) {
    self.values = values
    self.wavelengths = wavelengths
    self.resolution = resolution
  }

  /// The input of a backbone that has one.
  package init(_ only: Tensor) { self.init(["image": only]) }

  /// The value of a backbone's single input, whatever its name.
  package var only: Tensor {
    guard let value = values.values.first, values.count == 1 else {
      preconditionFailure("inputs \(values.keys.sorted()) for a backbone of one input")
    }
    return value
  }
}

/// What a forward pass of a backbone gives.
package struct BackboneOutput: Sendable {
  /// The quantity itself where the backbone has its own decoder: for PDEs the next frame
  /// `[batch, field, component, depth, height, width]`, for restoration the image.
  package var prediction: Tensor?
  /// Of the architecture's own head, `[batch, class]`.
  package var logits: Tensor?
  package var features: Features

  package init(prediction: Tensor? = nil, logits: Tensor? = nil, features: Features = Features()) {
    self.prediction = prediction
    self.logits = logits
    self.features = features
  }
}

/// How weights made for other data are fitted to this model.
package struct WeightFit: Sendable {
  /// `model.channel_policy`.
  package var channelPolicy: ModelSection.ChannelPolicy
  /// Numbers of the stored channels that match the model's by band name; nil where unknown.
  package var channels: [Int]?
  /// Name of the layout that the file is in.
  package var layout: String

  package init(
    channelPolicy: ModelSection.ChannelPolicy = .refuse, channels: [Int]? = nil, layout: String
  ) {
    self.channelPolicy = channelPolicy
    self.channels = channels
    self.layout = layout
  }
}

/// A contradiction between an architecture and what it is given.
package struct BackboneError: ExitCoded, Equatable, CustomStringConvertible {
  package var description: String
  package var exitCode: ExitCode { .malformedData }

  package init(_ description: String) { self.description = description }
}
