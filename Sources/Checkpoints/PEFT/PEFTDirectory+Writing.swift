package import Formats
import Foundation
package import Tensors

extension PEFTDirectory {
  /// Writes an adapter directory as a whole or not at all; one of that name is replaced.
  ///
  /// - Parameters:
  ///   - path: Folder to make.
  ///   - configuration: All fields of the method, `peft_type` among them; keys are sorted.
  ///   - tensors: Values under the keys that `key(module:parameter:)` makes.
  ///   - extras: What PEFT has no key for, written as `attune.json`; nil for no such file.
  ///   - card: Text of `README.md`.
  /// - Throws: `CheckpointError`.
  package static func write(
    to path: String, configuration: JSONObject, tensors: [(name: String, tensor: Tensor)],
    extras: JSONObject? = nil, card: String
  ) throws(CheckpointError) {
    precondition(configuration["peft_type"]?.string != nil, "an adapter without peft_type")
    let directory = try reportingFiles { () throws(FormatError) in
      try AtomicDirectory(path: path)
    }
    try writeSafetensors(tensors, to: directory.file(weightsName))
    try reportingFiles { () throws(FormatError) in
      try writeAtomically(text(.object(configuration)), to: directory.file(configurationName))
      if let extras {
        try writeAtomically(text(.object(extras)), to: directory.file(extrasName))
      }
      try writeAtomically(Data(card.utf8), to: directory.file("README.md"))
      try directory.commit()
    }
  }

  /// The head of a model card that the model hub understands, and one sentence.
  ///
  /// - Parameters:
  ///   - baseModel: Name of the base model, nil where it has none.
  ///   - method: What the adapter is, in words.
  /// - Returns: Text for `README.md`.
  package static func card(baseModel: String?, method: String) -> String {
    let base = baseModel.map { "base_model: \($0)\n" } ?? ""
    return """
      ---
      \(base)library_name: peft
      ---

      # \(method) adapter

      Trained with Attune\(baseModel.map { " on `\($0)`" } ?? "").

      """
  }

  private static func text(_ value: JSONValue) -> Data { Data(value.sortedText.utf8) }
}
