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
    "Formats": ["CGDAL", "CHDF5", "CPNG", "CZlib", "CZstd"],
    // Structure.
    "Layers": ["Tensors"],
    "Checkpoints": ["Tensors", "Formats"],
    // Science.
    "Adapters": ["Layers", "Checkpoints", "Recipes", "Formats", "Tensors"],
    "Backbones": ["Layers", "Checkpoints", "Recipes", "Tensors"],
    "Tasks": ["Layers", "Formats", "Recipes", "Tensors"],
    "Datasets": ["Tensors", "Formats", "Recipes"],
    // Processes.
    "Training": [
      "Adapters", "Tasks", "Datasets", "Layers", "Checkpoints", "Recipes", "Tensors",
    ],
    "Launch": ["Tensors", "Recipes", "GRDB"],
    "Reports": ["Recipes", "Formats", "Tasks"],
    // Assembly and tool.
    "Attune": [
      "Training", "Launch", "Reports", "Adapters", "Backbones", "Tasks", "Datasets", "Layers",
      "Checkpoints", "Recipes", "Formats", "Tensors",
    ],
    "CLI": ["Attune", "Recipes", "Launch", "Reports", "ArgumentParser"],
  ]

  /// Modules of the toolchain, allowed everywhere.
  static let toolchain: Set<String> = [
    "Foundation", "FoundationNetworking", "Synchronization", "Glibc", "Dispatch",
  ]

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
      let isComment = Self.isComment(line)
      var found: [String] = []
      if !isComment {
        if line.contains("try!") { found.append("`try!`: throw or handle the error") }
        if line.contains("as!") { found.append("`as!`: use `as?` and handle nil") }
        if line.contains("@unchecked Sendable"), !mayBeUnchecked {
          found.append("`@unchecked Sendable`: only in \(uncheckedFiles.sorted())")
        }
      }
      for path in ["work", "tmp"].map({ "/\($0)/" }) where line.contains(path) {
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

  /// Component types that a source file lists in registries: arrays of nothing but `Name.self`.
  static func registered(in source: String) -> [String] {
    code(source).matches(of: /\[\s*((?:[\w.]+\.self,?\s*)+)\]/).flatMap { list in
      list.1.matches(of: /(\w+)\.self/).map { String($0.1) }
    }
  }

  /// Functions of a source file that other modules see and that make a tensor.
  static func primitives(in source: String) -> [String] {
    code(source).matches(of: /(?:public|package) (?:static )?func (\w+)[^{]*-> Tensor\b/)
      .map { String($0.1) }
  }

  /// Components that have no test file `<Name>Tests.swift` and that no other test file names, as
  /// a battery for several would.
  ///
  /// `tests` maps file names to their text. Case does not matter. A verb's type is named by its words:
  /// tests of `data make` name `DataMakeCommand`.
  static func untested(_ components: [String], tests: [String: String]) -> [String] {
    let words = Set(
      tests.values.flatMap {
        $0.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }
      })
    return components.filter { component in
      let isVerb = component.hasSuffix("Command")
      let parts =
        isVerb
        ? component.dropLast("Command".count).matches(of: /[A-Z]+(?![a-z])|[A-Z][a-z]*/).map(
          \.output)
        : [component[...]]
      return tests["\(component)Tests.swift"] == nil
        && !parts.allSatisfy { words.contains(Substring($0.lowercased())) }
    }
  }

  /// The source without its comment lines.
  private static func code(_ source: String) -> String {
    lines(source).filter { !isComment($0) }.joined(separator: "\n")
  }

  private static func isComment(_ line: Substring) -> Bool {
    line.drop { $0 == " " }.hasPrefix("//")
  }

  private static func lines(_ source: String) -> [Substring] {
    source.split(separator: "\n", omittingEmptySubsequences: false)
  }
}
