package import Layers
package import Recipes
package import Tensors

/// An update rule for trainable values.
package protocol Optimizer: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// Rate of parameters outside every `lr_groups` entry.
  var learningRate: Double { get }
  /// Decoupled weight decay of the same parameters.
  var weightDecay: Double { get }

  /// Before the forward pass of a step, counted from 0: may say which parameters the step trains.
  mutating func begin(step: Int, seed: UInt64, parameters: [Parameter])

  /// Whether the inputs of layers on the first batch are wanted before the next step.
  var needsInputs: Bool { get }

  /// Takes in ‖X_j‖₂ of every input j of linear layers by their paths, over all tokens of a batch.
  mutating func learn(inputLengths: [String: [Double]], parameters: [Parameter])

  /// Drops the averages of a parameter, which begins anew with its next gradient.
  ///
  /// - Returns: How many of its values had a gradient other than zero; nil where there were none.
  mutating func forget(_ path: String) -> Int?

  /// Changes one parameter by its gradient.
  ///
  /// Called only for parameters that have a gradient: absent is not zero.
  mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double)

  /// Everything needed to go on later, in a fixed order.
  var state: OptimizerState { get set }

  /// Values that ever had a gradient other than zero: what training could move on this data.
  ///
  /// Fewer than the trainable ones where an architecture leaves part of a weight unused, such as
  /// the columns of a projection for dimensions that the data do not have.
  var reachedCount: Int { get }
}

extension Optimizer {
  package mutating func begin(step: Int, seed: UInt64, parameters: [Parameter]) {}
  package var needsInputs: Bool { false }
  package mutating func learn(inputLengths: [String: [Double]], parameters: [Parameter]) {}
}

/// State of an optimizer: tensors and counts by name.
package struct OptimizerState: Sendable {
  package var tensors: [(name: String, value: Tensor)]
  package var counts: [String: Int]

  package init(tensors: [(name: String, value: Tensor)], counts: [String: Int]) {
    self.tensors = tensors
    self.counts = counts
  }
}

/// The update rules that recipes can name.
package let optimizers = Registry<any Optimizer.Type>(
  kind: "optimizer",
  [
    AdamW.self,
    Fira.self,
    GaLore.self,
    GradNormLoRP.self,
    LISA.self,
    OwLore.self,
  ])
