import Tensors

/// What our model gives for a case, under the names of the stored tensors.
struct ParityRun: Sendable {
  /// `output.*`, `after.*`, `grad.*`, `grad_input.*`.
  var tensors: [String: Tensor] = [:]
  var loss: Double?
  /// Trainable parameters that got no gradient, by reference key.
  var withoutGradient: [String] = []
  /// What is wrong besides the stored tensors, in sentences.
  var failures: [String] = []
}

/// An architecture whose cases can be verified.
protocol ParityFamily: SendableMetatype {
  /// `family` of the cases.
  static var name: String { get }
  static func run(_ parityCase: ParityCase) throws -> ParityRun
}

/// The families that `verify` runs.
let parityFamilies: [any ParityFamily.Type] = [
  LESSParity.self,
  LoLAParity.self,
  MorphParity.self,
  NAFNetParity.self,
  ViTParity.self,
]
