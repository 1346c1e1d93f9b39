import Layers
import Recipes
import Tensors

/// Where an adaptation method can stand and what it can do; the engine refuses the rest by these.
package struct AdapterCapabilities: OptionSet, Sendable {
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  /// Linear layers.
  package static let linear = AdapterCapabilities(rawValue: 1 << 0)
  /// Convolutions over height and width.
  package static let convolution2D = AdapterCapabilities(rawValue: 1 << 1)
  /// Convolutions over depth, height and width.
  package static let convolution3D = AdapterCapabilities(rawValue: 1 << 2)
  /// Convolutions whose channels are in groups.
  package static let groups = AdapterCapabilities(rawValue: 1 << 3)
  /// Rows of a weight alone.
  package static let rows = AdapterCapabilities(rawValue: 1 << 4)
  /// Streams of blocks, not weights.
  package static let blocks = AdapterCapabilities(rawValue: 1 << 5)
  /// A changed weight can replace the adapter.
  package static let mergeable = AdapterCapabilities(rawValue: 1 << 6)
  /// The first output is the frozen model's.
  package static let zeroStart = AdapterCapabilities(rawValue: 1 << 7)
  /// Computes with the base weight's value, so that no other change may stand before it.
  package static let readsBase = AdapterCapabilities(rawValue: 1 << 8)
  /// PEFT has the method, and reads what is saved.
  package static let portable = AdapterCapabilities(rawValue: 1 << 9)
  /// Ranks may differ by module and change while training.
  package static let rankResizable = AdapterCapabilities(rawValue: 1 << 10)
  /// Whole modules that are no linear layer or convolution: the method trains a copy of their values.
  package static let modules = AdapterCapabilities(rawValue: 1 << 11)
  /// Computes with all samples of a pass together, so that a batch must not be cut.
  package static let mixesSamples = AdapterCapabilities(rawValue: 1 << 12)
  /// What a target gets depends on its place among the others in the model, as in PEFT.
  package static let ordered = AdapterCapabilities(rawValue: 1 << 13)

  /// First values and ranks can be given by an initialization (`adapter.init`).
  package static let startable = AdapterCapabilities(rawValue: 1 << 14)
  /// Needs tokens on their full grid, which masking does not leave.
  package static let tokenGrid = AdapterCapabilities(rawValue: 1 << 15)

  /// All convolutions without groups.
  package static let convolutions: AdapterCapabilities = [.convolution2D, .convolution3D]
  /// What most methods of PEFT for linear layers can do.
  package static let portableLinear: AdapterCapabilities = [
    .linear, .mergeable, .zeroStart, .portable,
  ]
}

extension AdapterMethod {
  /// Refuses a place that the method does not declare.
  static func check(_ target: AdapterTarget) throws(AdapterError) {
    func refuse(_ what: String, _ mend: String) -> AdapterError {
      .unsupported(
        module: target.site.path, method: name, reason: "the method \(what). \(mend)")
    }
    let leaveOut = "Leave it out of target_modules, or adapt it with lora"
    switch target.site.kind {
    case .linear:
      if !capabilities.contains(.linear) { throw refuse("takes no linear layer", leaveOut) }
    case .convolution(kernel: let kernel, geometry: let geometry):
      let needed: AdapterCapabilities = kernel.count == 2 ? .convolution2D : .convolution3D
      if capabilities.isDisjoint(with: .convolutions) {
        throw refuse("is defined for linear layers, this is a convolution", leaveOut)
      }
      if !capabilities.contains(needed) {
        throw refuse("takes no convolution over \(kernel.count) axes", leaveOut)
      }
      if geometry.groups > 1, !capabilities.contains(.groups) {
        throw refuse("takes no convolution in \(geometry.groups) groups", leaveOut)
      }
    }
    if !target.isWhole, !capabilities.contains(.rows) {
      throw refuse("takes whole weights, not rows of one", "Name the module without [...]")
    }
  }
}
