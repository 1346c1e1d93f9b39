package import Checkpoints
import Formats

/// Which modules of a model PEFT adapts by a configuration (PEFT 0.21.2:
/// `check_target_module_exists`).
package struct PEFTTargets: Sendable {
  private let configuration: JSONObject

  package init(_ directory: PEFTDirectory) { configuration = directory.configuration }

  init(_ configuration: JSONObject) { self.configuration = configuration }

  /// Whether the module of this path is adapted; `isLinear` and `isHead` are for `all-linear`.
  ///
  /// - Throws: `CheckpointError` for a pattern that is no regular expression.
  package func take(
    _ path: String, isLinear: Bool, isHead: Bool = false
  ) throws(CheckpointError) -> Bool {
    if let excluded = configuration["exclude_modules"], try matches(path, excluded) { return false }
    for entry in texts("modules_to_save")
    where (path + ".").hasPrefix(entry + ".")
      || ("." + path + ".").contains("." + entry + ".")
    {
      return false
    }
    guard let targets = configuration["target_modules"], !targets.isNull else { return false }
    if targets.string?.lowercased() == "all-linear" { return isLinear && !isHead }
    guard try matches(path, targets) else { return false }
    return targets.array == nil ? true : try isInLayer(path)
  }

  /// A list takes equal paths and dotted suffixes, a text is a regular expression for the path.
  private func matches(_ path: String, _ value: JSONValue) throws(CheckpointError) -> Bool {
    if let pattern = value.string { return try wholly(path, pattern) }
    return (value.array ?? []).compactMap(\.string).contains {
      path == $0 || path.hasSuffix("." + $0)
    }
  }

  /// `layers_to_transform` by the number that follows a name of `layers_pattern`.
  private func isInLayer(_ path: String) throws(CheckpointError) -> Bool {
    let field = configuration["layers_to_transform"]
    let layers = field?.integer.map { [$0] } ?? (field?.array ?? []).compactMap(\.integer)
    guard !layers.isEmpty else { return true }
    let named = configuration["layers_pattern"]?.string.map { [$0] } ?? texts("layers_pattern")
    let patterns =
      named.isEmpty
      ? [".*?\\.[^.]*\\.(\\d+)\\..*"] : named.map { "(?:^|.*?\\.)\($0)\\.(\\d+)\\..*" }
    for pattern in patterns {
      guard let expression = try? Regex(pattern, as: (Substring, Substring).self) else {
        throw invalid(pattern)
      }
      if let match = path.wholeMatch(of: expression), let number = Int(match.1) {
        return layers.contains(number)
      }
    }
    return false
  }

  private func wholly(_ path: String, _ pattern: String) throws(CheckpointError) -> Bool {
    guard let expression = try? Regex(pattern) else { throw invalid(pattern) }
    return path.wholeMatch(of: expression) != nil
  }

  private func texts(_ field: String) -> [String] {
    (configuration[field]?.array ?? []).compactMap(\.string)
  }

  private func invalid(_ pattern: String) -> CheckpointError {
    .malformed(
      PEFTDirectory.configurationName, "adapter configuration",
      "'\(pattern)' is no regular expression")
  }
}
