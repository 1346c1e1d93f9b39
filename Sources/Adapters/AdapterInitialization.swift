package import Layers
package import Recipes
package import Tensors

/// How an adapter's first values and ranks are found before step 0 (`adapter.init`).
package protocol AdapterInitialization: RegistryEntry, Sendable {
  /// What it looks at besides the weights.
  static var needs: CalibrationNeed { get }
  /// Whether it finds values from data, not only ranks.
  static var findsValues: Bool { get }

  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// The targets with the ranks and first values that were found; those of rank 0 are left out.
  ///
  /// - Parameters:
  ///   - targets: with the weights loaded.
  ///   - plan: what is known besides.
  /// - Returns: the targets to stand on.
  /// - Throws: `AdapterError` for weights that it cannot start from, and what the probe throws.
  func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget]

  /// A target with the rank that was found and room for the values that were, where a checkpoint
  /// gives them.
  func reserved(_ target: AdapterTarget) -> AdapterTarget
}

extension AdapterInitialization {
  package static var findsValues: Bool { false }
  package func reserved(_ target: AdapterTarget) -> AdapterTarget { target }
}

/// What an initialization is told besides its targets.
package struct AdapterPreparation {
  /// Of the run.
  package var seed: UInt64
  /// The model on calibration data, where the initialization needs it.
  package var probe: (any CalibrationProbe)?
  /// Base values that are trained beside the adapter.
  package var trainedBeside = 0
  /// All values of the base.
  package var total = 0

  package init(seed: UInt64, probe: (any CalibrationProbe)? = nil) {
    self.seed = seed
    self.probe = probe
  }
}

/// What an initialization looks at.
package enum CalibrationNeed: Sendable, Equatable {
  case weights
  /// Inputs of layers, gradients of weights, or both: samples of the training part.
  case data
}

/// A model on samples of its training part, without adapters.
package protocol CalibrationProbe {
  /// Samples on offer.
  var count: Int { get }
  /// All values of the model; every one counts as trained while the probe is used.
  var parameters: [Parameter] { get }

  /// Gradients of the run's loss of one sample with respect to all values.
  func gradients(sample: Int) throws -> Gradients

  /// Shows the inputs of layers on some samples: `[rows, in]` for a linear layer.
  func inputs(
    samples: Range<Int>, _ show: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) throws

  /// Trains all parameters of the model for some steps, in place.
  func fineTune(steps: Int, learningRate: Double) throws
}

/// The initializations that recipes can name.
package let adapterInitializations = Registry<any AdapterInitialization.Type>(
  kind: "adapter init",
  [
    Contribution.self,
    DefaultStart.self,
    EVA.self,
    GaussianStart.self,
    LoRAGA.self,
    OLoRA.self,
    OrthogonalStart.self,
    PiSSA.self,
    WeLore.self,
  ])

/// The method's own first values.
package struct DefaultStart: AdapterInitialization {
  package static let name = "default"
  package static let summary = "the method's own first values"
  package static let options: OptionTable = []
  package static let needs = CalibrationNeed.weights

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) -> [AdapterTarget] { targets }
}
