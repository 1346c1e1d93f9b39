package import Layers
package import Recipes
package import Tensors

/// An architecture that recipes name, built from its options inside a module tree.
///
/// Parameter paths are the checkpoint's keys after `checkpointKey`; groups on the layers are what
/// target patterns may name.
package protocol Backbone: RegistryEntry, Sendable {
  /// Target patterns of an adapter that names none.
  static var defaultTargets: [String] { get }

  /// Builds the layers.
  ///
  /// What the options contradict is recorded in `diagnostics`; the result is then not used.
  init(_ options: OptionReader, in scope: Scope, _ diagnostics: Diagnostics)

  /// The key that the reference's checkpoint has for a parameter of this model.
  func checkpointKey(for path: String) -> String

  /// Refuses an input that the architecture cannot take.
  func check(input shape: [Int]) throws(BackboneError)

  /// The forward pass, with the axes that the family documents.
  ///
  /// For PDE backbones the input is `[batch, time, field, component, depth, height, width]`.
  func callAsFunction(_ input: Tensor, _ context: ForwardContext) -> BackboneOutput
}

/// What a forward pass of a backbone gives.
package struct BackboneOutput: Sendable {
  /// The quantity itself where the backbone has its own decoder: for PDEs the next frame
  /// `[batch, field, component, depth, height, width]`.
  package var prediction: Tensor?
  /// Named intermediate values, for parity checks and heads.
  package var features: [String: Tensor]

  package init(prediction: Tensor? = nil, features: [String: Tensor] = [:]) {
    self.prediction = prediction
    self.features = features
  }
}

/// A contradiction between an architecture and what it is given.
package struct BackboneError: ExitCoded, Equatable, CustomStringConvertible {
  package var description: String
  package var exitCode: ExitCode { .malformedData }

  package init(_ description: String) { self.description = description }
}
