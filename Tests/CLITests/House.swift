import Foundation

/// The rules of the house as plain functions over the text of source files.
enum House {
  /// What each module may import of the package's own modules and of other packages.
  ///
  /// Imports go to lower levels only; anything above the foundations may take Recipes, and whoever
  /// has Layers may take Tensors.
  static let allowedImports: [String: Set<String>] = [
    // Foundations, the only owners of C modules.
    "Tensors": ["CKernels", "COpenBLAS", "COneDNN"],
    "Recipes": ["Yams", "Crypto"],
    "Formats": ["CHDF5", "CPNG", "CZlib"],
    // Structure.
    "Layers": ["Tensors"],
    "Checkpoints": ["Tensors", "Formats"],
    // Science.
    "Adapters": ["Layers", "Checkpoints", "Recipes", "Tensors"],
    "Backbones": ["Layers", "Checkpoints", "Recipes", "Tensors"],
    "Tasks": ["Layers", "Formats", "Recipes", "Tensors"],
    "Datasets": ["Tensors", "Formats", "Recipes"],
    // Processes.
    "Training": [
      "Adapters", "Tasks", "Datasets", "Layers", "Checkpoints", "Recipes", "Tensors",
    ],
    "Launch": ["Tensors", "Recipes"],
    "Reports": ["Recipes", "Formats", "Tasks"],
    // Assembly and tool.
    "Attune": [
      "Training", "Launch", "Reports", "Adapters", "Backbones", "Tasks", "Datasets", "Layers",
      "Checkpoints", "Recipes", "Formats", "Tensors",
    ],
    "CLI": ["Attune", "Recipes", "Launch", "Reports", "ArgumentParser"],
  ]

  /// Modules of the toolchain, allowed everywhere.
  static let toolchain: Set<String> = ["Foundation", "Synchronization", "Glibc", "Dispatch"]

  /// Module names in the import declarations of a file, whatever stands before `import`.
  static func imports(in source: String) -> Set<String> {
    let declaration =
      /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
    return Set(lines(source).compactMap { $0.firstMatch(of: declaration).map { String($0.1) } })
  }

  /// Imports of a file that its module's level does not allow.
  static func forbiddenImports(in source: String, of module: String) -> Set<String> {
    imports(in: source).subtracting(toolchain).subtracting(allowedImports[module] ?? [])
  }

  /// Lines that the house does not accept, each with its number and the reason.
  static func offences(in source: String, mayBeUnchecked: Bool) -> [String] {
    lines(source).enumerated().flatMap { index, line in
      let isComment = line.drop { $0 == " " }.hasPrefix("//")
      var found: [String] = []
      if !isComment {
        if line.contains("try!") { found.append("`try!`: throw or handle the error") }
        if line.contains("as!") { found.append("`as!`: use `as?` and handle nil") }
        if line.contains("@unchecked Sendable"), !mayBeUnchecked {
          found.append("`@unchecked Sendable`: only in \(uncheckedFiles.sorted())")
        }
      }
      for path in ["/work/", "/tmp/"] where line.contains(path) {
        found.append("\(path): no path of one machine")
      }
      for mark in ["TODO", "FIXME"] where line.contains(mark) {
        found.append("\(mark): finish it or open an issue")
      }
      return found.map { "line \(index + 1): \($0)" }
    }
  }

  /// The files that may vouch for thread safety themselves, with the argument beside it.
  static let uncheckedFiles: Set<String> = [
    "Sources/Tensors/Storage.swift", "Sources/Formats/MappedFile.swift",
  ]

  /// Largest number of lines of a file.
  static func lineLimit(of path: String) -> Int { path.hasPrefix("Sources/CKernels/") ? 800 : 600 }

  static func lineCount(_ source: String) -> Int {
    source.utf8.count { $0 == UInt8(ascii: "\n") }
  }

  static func median(_ counts: [Int]) -> Int {
    counts.isEmpty ? 0 : counts.sorted()[counts.count / 2]
  }

  /// Components of a registry folder: each file or folder in it, but not the file that carries the
  /// folder's own name in singular or plural (its protocol, its list).
  static func components(of folder: String, entries: [String]) -> [String] {
    let kind = folder.split(separator: "/").last.map(String.init) ?? folder
    let common: Set<String> = [kind, String(kind.dropLast(kind.hasSuffix("s") ? 1 : 0))]
    return entries.filter { $0.hasSuffix(".swift") || !$0.contains(".") }
      .map { String($0.split(separator: ".")[0]) }
      .filter { !common.contains($0) && !$0.contains("+") }.sorted()
  }

  /// Components that have no test file `<Name>Tests.swift` and are named by no other test file.
  ///
  /// `tests` maps file names to their text.
  static func untested(_ components: [String], tests: [String: String]) -> [String] {
    let words = Set(
      tests.values.flatMap { $0.split { !($0.isLetter || $0.isNumber || $0 == "_") } })
    return components.filter { tests["\($0)Tests.swift"] == nil && !words.contains(Substring($0)) }
  }

  private static func lines(_ source: String) -> [Substring] {
    source.split(separator: "\n", omittingEmptySubsequences: false)
  }
}
