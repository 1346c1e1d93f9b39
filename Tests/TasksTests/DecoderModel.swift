import Layers
import Recipes
import Tasks
import Tensors
import TestSupport
import Testing

/// A neck and a decoder as a recipe would put them on a backbone.
struct DecoderModel {
  let neck: (any Neck)?
  let decoder: any Decoder
  let tree: ModuleTree

  /// Builds both with their options; what they refuse is thrown.
  init(
    _ decoder: any Decoder.Type, _ options: PlainValue = [:], neck: (any Neck.Type)? = nil,
    _ neckOptions: PlainValue = [:], features: FeatureShape, outputs: Int
  ) throws {
    let diagnostics = Diagnostics()
    func reader(_ options: PlainValue, _ table: OptionTable, _ path: String) -> OptionReader {
      OptionReader(
        Located(plain: options, at: SourceLocation(source: "test"), path: path), table, diagnostics)
    }
    let builder = ModelBuilder()
    self.neck = neck.map {
      $0.init(
        reader(neckOptions, $0.options, "model.neck"), features: features,
        in: builder.root / "neck", diagnostics)
    }
    self.decoder = decoder.init(
      reader(options, decoder.options, "model.decoder"),
      features: self.neck?.features ?? features, outputs: outputs, in: builder.root / "decoder",
      diagnostics)
    try diagnostics.throwErrors()
    tree = builder.tree
  }

  /// The output for maps of the blocks that the model asks for, numbered from 0.
  func callAsFunction(
    _ maps: [Tensor], imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    decoder(pyramid(of: maps, context), imageSize: imageSize, context)
  }

  /// The features as the decoder gets them.
  func pyramid(of maps: [Tensor], _ context: ForwardContext) -> Features {
    var features = Features()
    features.maps = Dictionary(uniqueKeysWithValues: maps.enumerated().map { ($0, $1) })
    return neck.map { $0(features, context) } ?? features
  }
}
