package import Tensors

/// Some samples of a set, by number.
package struct SampleSubset: SampleSet {
  private let whole: any SampleSet
  private let numbers: [Int]

  /// `numbers` are of samples of `whole`, in the order of the subset.
  package init(_ whole: any SampleSet, _ numbers: [Int]) {
    self.whole = whole
    self.numbers = numbers
  }

  package var count: Int { numbers.count }
  package func identifier(_ index: Int) -> String { whole.identifier(numbers[index]) }
  package func unit(_ index: Int) -> String { whole.unit(numbers[index]) }
  package var groups: [Int]? { whole.groups.map { groups in numbers.map { groups[$0] } } }

  package func sample(_ index: Int, epoch: Int) throws -> [String: Tensor] {
    try whole.sample(numbers[index], epoch: epoch)
  }
}
