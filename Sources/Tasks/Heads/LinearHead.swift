package import Layers
package import Recipes
package import Tensors

/// One linear map of the pooled features: classes, or values.
package struct LinearHead: Decoder {
  package static let name = "linear"
  package static let summary = "one linear layer on the pooled features"
  package static let options: OptionTable = [
    Option("dropout", .number, default: 0, range: .within(0..<1), "dropout before the layer")
  ]

  package let blocks: [Int] = []
  private let dropout: Dropout
  private let layer: Linear

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    dropout = Dropout(scope, probability: options.number("dropout"))
    layer = Linear(scope, inputs: features.pooledWidth, outputs: outputs, groups: ["head"])
  }

  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    guard let pooled = features.pooled else {
      preconditionFailure("the backbone gives no pooled features for head \(Self.name)")
    }
    return layer(dropout(pooled, context), context)
  }
}
