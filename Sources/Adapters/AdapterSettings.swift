package import Layers

/// One entry of a recipe's `adapter` list after reading, without the method's own options.
package struct AdapterSettings: Sendable {
  /// Which base biases are trained.
  package enum Bias: String, Sendable, CaseIterable { case none, all, adapted }

  package var name: String
  package var method: String
  /// Empty for the backbone's own list.
  package var targets: [Pattern] = []
  package var excluded: [Pattern] = []
  /// Blocks for methods that act on streams; nil for all.
  package var positions: [Pattern]?
  /// Base modules or parameters trained and saved in full.
  package var modulesToSave: [Pattern] = []
  package var bias = Bias.none
  /// First match in order wins; rank 0 leaves a module alone.
  package var rankPattern: [(pattern: Pattern, rank: Int)] = []
  package var alphaPattern: [(pattern: Pattern, alpha: Double)] = []
  /// How first values and ranks are found; nil for the method's own.
  package var initialization: (any AdapterInitialization)?
  /// What changes during training; nil for nothing but the method's own.
  package var schedule: (any AdapterSchedule)?
  /// How the update departs from the run's optimizer; nil for not at all.
  package var optimizer: (any AdapterOptimizer)?
  /// Block numbers, all where nil.
  package var layers: [Int]?

  package init(name: String, method: String) {
    self.name = name
    self.method = method
  }
}
