package import Tensors

/// Samples that a model can be trained or evaluated on, by number.
package protocol SampleSet: Sendable {
  var count: Int { get }
  /// Name of a sample, the same in every run on the same data.
  func identifier(_ index: Int) -> String
  /// What the sample belongs to that is independent of other such units: an image, a block of a
  /// scene, a subject. Intervals are drawn over units.
  func unit(_ index: Int) -> String
  /// What balanced sampling draws from evenly: the class of each sample; nil where samples have none.
  var groups: [Int]? { get }
  /// The named tensors of a sample, as random transforms make them in an epoch.
  ///
  /// Throws where the data cannot be read.
  func sample(_ index: Int, epoch: Int) throws -> [String: Tensor]
}

extension SampleSet {
  package var groups: [Int]? { nil }
  package func unit(_ index: Int) -> String { identifier(index) }
}
