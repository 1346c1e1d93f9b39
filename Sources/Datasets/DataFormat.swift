package import Recipes

/// A layout of files that recipes name in `data.format`.
package protocol DataFormat: RegistryEntry {
  /// Reads a data section for a task that needs a target; nil where an error was left in
  /// `diagnostics`.
  ///
  /// Fields that mean nothing for the format, and targets that it has not, are refused, not passed
  /// over.
  static func plan(
    _ section: DataSection, target: TargetKind, _ diagnostics: Diagnostics
  ) -> (any DataSetPlan)?
}

/// A data section that has been read, before any file is opened.
package protocol DataSetPlan: Sendable {
  /// Opens and checks the files, splits them, and reads the training part for its statistics.
  ///
  /// `seed` is that of the run, for what is random in a training sample; `kept` may know the statistics.
  func open(seed: UInt64, keeping kept: KeptStatistics?) throws -> any DataSet

  /// The same plan with the normalization and the classes of a trained run, whatever the files are
  /// now.
  func normalizing(
    by contract: [String: InputContract], target: TargetDescription?
  ) -> any DataSetPlan

  /// One file for each input, to predict from as a run with this contract was trained; nil where the
  /// format has other ways.
  func predictionScene(
    _ files: [String: String], contract: [String: InputContract]
  ) throws -> (any PredictionScene)?
}

extension DataSetPlan {
  /// Opens with statistics from the files as they are.
  package func open(seed: UInt64) throws -> any DataSet { try open(seed: seed, keeping: nil) }

  package func predictionScene(
    _ files: [String: String], contract: [String: InputContract]
  ) throws -> (any PredictionScene)? { nil }
}

/// One set of samples, opened, checked, split and normalized.
package protocol DataSet: Sendable {
  /// All files that were read, sorted.
  var filePaths: [String] { get }
  /// The inputs of a sample, in the order of the recipe.
  var inputs: [InputDescription] { get }
  /// What a model trained on these data expects, by input name.
  var contract: [String: InputContract] { get }
  /// The target as the training part shows it; nil where samples have none beside frames.
  var target: TargetDescription? { get }

  /// How samples of a training batch are mixed; nil leaves them as they are.
  var mixing: BatchMixing? { get }

  /// The samples of a part; nil where it is empty.
  ///
  /// `augmented` says whether random transforms are applied.
  func samples(_ part: SplitPart, augmented: Bool) -> (any SampleSet)?

  /// Reads all parts to their end.
  ///
  /// - Throws: `BadSamples`, which names everything that is wrong.
  func requireSound() throws

  /// SHA-256 over identifiers and stored values of the test part, empty where there is none.
  func testDigest() throws -> String

  /// The data's part of the run record.
  ///
  /// `files` come with their digests from the caller, as does the digest of the test part.
  func record(files: [RunRecord.Data.File], testDigest: String) -> RunRecord.Data
}

extension DataSet {
  package var mixing: BatchMixing? { nil }
  package var target: TargetDescription? { nil }
  package func requireSound() throws {}
}

/// One input of the samples of a data set.
package struct InputDescription: Sendable, Equatable {
  package var name: String
  /// Shape of one sample, as the model sees it: `[channel, height, width]` for images.
  package var shape: [Int]
  /// Names of the channels, in their order; empty where they have none.
  package var bands: [String]

  package init(name: String, shape: [Int], bands: [String] = []) {
    self.name = name
    self.shape = shape
    self.bands = bands
  }
}

/// What a trained model's input must be: one entry of `contract.json`.
package enum InputContract: Sendable, Equatable {
  case state(StateContract)
  case image(ImageContract)

  /// Name of an only input of this kind.
  package var standardName: String {
    switch self {
    case .state: PDEData.inputName
    case .image: "image"
    }
  }
}
