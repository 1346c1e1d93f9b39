import Foundation
import TestSupport
import Testing

@Suite("The house")
struct HouseTests {
  @Test("each module imports only what its level allows", arguments: try Module.all())
  func imports(module: Module) {
    #expect(House.allowedImports[module.name] != nil, "a module that House.swift does not list")
    for file in module.files {
      let forbidden = House.forbiddenImports(in: file.text, of: module.name)
      #expect(forbidden.isEmpty, "\(file.path) imports \(forbidden.sorted())")
    }
  }

  @Test("nothing forbidden stands in a source file")
  func offences() throws {
    for file in try sources() {
      let mayBeUnchecked = House.uncheckedFiles.contains(file.path)
      let found = House.offences(in: file.text, mayBeUnchecked: mayBeUnchecked)
      #expect(found.isEmpty, "\(file.path): \(found)")
    }
  }

  @Test("files stay short enough to be read in one go")
  func lengths() throws {
    let files = try sources() + SourceFile.all(below: "Tests")
    for file in files {
      let limit = House.lineLimit(of: file.path)
      #expect(file.lineCount <= limit, "\(file.path) has \(file.lineCount) lines of \(limit)")
    }
    printSizes(of: files)
  }

  @Test("each component of a registry has its tests", arguments: try Module.all())
  func components(module: Module) throws {
    let components = module.files.flatMap { House.registered(in: $0.text) }
    let untested = House.untested(components, tests: try tests(of: module.name))
    #expect(untested.isEmpty, "\(untested) of \(module) without tests")
  }

  @Test("each primitive has its tests")
  func primitives() throws {
    let primitives = try SourceFile.all(below: "Sources/Tensors/Ops")
      .flatMap { House.primitives(in: $0.text) }
    let untested = House.untested(primitives, tests: try tests(of: "Tensors"))
    #expect(!primitives.isEmpty)
    #expect(untested.isEmpty, "\(untested) of Tensors without tests")
  }

  /// Text of a module's test files by their names.
  private func tests(of module: String) throws -> [String: String] {
    try SourceFile.all(below: "Tests/\(module)Tests")
      .reduce(into: [:]) { $0[URL(filePath: $1.path).lastPathComponent] = $1.text }
  }

  private func sources() throws -> [SourceFile] { try SourceFile.all(below: "Sources") }

  /// One line per module, so that growth is seen.
  private func printSizes(of files: [SourceFile]) {
    let modules = Dictionary(grouping: files) {
      $0.path.split(separator: "/").prefix(2).joined(separator: "/")
    }
    var table = "lines  files  median  longest  module\n"
    for (module, files) in modules.sorted(by: { $0.key < $1.key }) {
      let counts = files.map(\.lineCount)
      let row = [counts.reduce(0, +), counts.count, House.median(counts), counts.max() ?? 0]
      table +=
        zip(row, [5, 5, 6, 7])
        .map { value, width in
          String(repeating: " ", count: max(0, width - "\(value)".count)) + "\(value)"
        }
        .joined(separator: "  ") + "  \(module)\n"
    }
    print(table, terminator: "")
  }
}

/// The checks themselves: each must find what it is for.
@Suite("The house's rules")
struct HouseRulesTests {
  @Test("an import is found in every form")
  func imports() {
    let source = """
      import Foundation
      internal import CHDF5
      package import Tensors
      @_exported public import Layers
      @testable import Recipes
      @_spi(Internals) import struct Tasks.Metric
        import Datasets
      // import Training
      /// import Reports
      let important = "import Launch"
      """
    #expect(
      House.imports(in: source) == [
        "Foundation", "CHDF5", "Tensors", "Layers", "Recipes", "Tasks", "Datasets",
      ])
  }

  @Test(
    "an import upwards, sideways, or of another's C module is refused",
    arguments: [
      ("Tensors", "Layers"), ("Adapters", "Backbones"), ("Backbones", "Adapters"),
      ("Training", "Reports"), ("Datasets", "CHDF5"), ("Layers", "CKernels"),
      ("Recipes", "Formats"), ("CLI", "Training"), ("Reports", "Yams"), ("Layers", "Recipes"),
    ])
  func forbidden(module: String, imported: String) {
    let source = "import Foundation\npackage import \(imported)\n"
    #expect(House.forbiddenImports(in: source, of: module) == [imported])
  }

  @Test("the table of levels has no cycle")
  func acyclic() {
    var remaining = House.allowedImports
    while let leaf = remaining.first(where: { $0.value.isDisjoint(with: remaining.keys) })?.key {
      remaining[leaf] = nil
    }
    #expect(remaining.isEmpty, "modules that import each other: \(remaining.keys.sorted())")
  }

  @Test(
    "a forbidden line is found with its number",
    arguments: [
      "let a = try! read()", "let b = c as! Int", "final class D: @unchecked Sendable {}",
      "let path = \"/" + "work/shared\"", "let path = \"/" + "tmp/x\"", "// TODO: later",
      "/* FIXME */",
    ])
  func offence(line: String) {
    let found = House.offences(in: "import Foundation\n\(line)\n", mayBeUnchecked: false)
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("line 2: ") == true)
  }

  @Test("a comment may speak of what code may not do, and two files may vouch for themselves")
  func allowed() {
    #expect(House.offences(in: "  /// No `try!` here.\n", mayBeUnchecked: false).isEmpty)
    let vouched = "final class Storage: @unchecked Sendable {}"
    #expect(House.offences(in: vouched, mayBeUnchecked: true).isEmpty)
  }

  @Test("lengths are counted, and kernels may be longer")
  func lengths() {
    #expect(House.lineCount("a\nb\n") == 2)
    #expect(House.median([5, 1, 9]) == 5)
    #expect(House.lineLimit(of: "Sources/Tensors/Tensor.swift") == 600)
    #expect(House.lineLimit(of: "Sources/CKernels/attention.c") == 800)
  }

  @Test("a component without tests is named")
  func untested() {
    let source = """
      let metrics: [any Metric.Type] = [
        MAE.self,
        Image.PSNR.self,
        VRMSE.self,
      ]
      let verbs = [Train.self]
      /// let example = [SALT.self]
      let head = try decode(Head.self, from: data)
      """
    let components = House.registered(in: source)
    #expect(components == ["MAE", "PSNR", "VRMSE", "Train"])
    let tests = [
      "VRMSETests.swift": "", "MetricBattery.swift": "[MAE.self, PSNRLike.self]",
      "RunTests.swift": "run([\"train\"])",
    ]
    #expect(House.untested(components, tests: tests) == ["PSNR"])
  }

  @Test("a function that makes a tensor is a primitive")
  func primitives() {
    let source = """
      public func gelu(_ x: Tensor) -> Tensor { x }
      package func linear(
        _ x: Tensor, weight: Tensor
      ) -> Tensor {
      package static func joined(_ all: [Tensor]) -> Tensor { all[0] }
      package func sumOfSquares() -> Double { 0 }
      func helper() -> Tensor { x }
      """
    #expect(House.primitives(in: source) == ["gelu", "linear", "joined"])
  }
}

/// A module of the package with its source files.
struct Module: Sendable, CustomStringConvertible {
  let name: String
  let files: [SourceFile]

  var description: String { name }

  /// Every folder of `Sources` that holds Swift files.
  static func all() throws -> [Module] {
    try FileManager.default.contentsOfDirectory(atPath: PackageFolder.url("Sources").path).sorted()
      .map { Module(name: $0, files: try SourceFile.all(below: "Sources/\($0)")) }
      .filter { $0.files.contains { $0.path.hasSuffix(".swift") } }
  }
}

/// A Swift or C file of the package.
struct SourceFile: Sendable {
  /// From the root of the package.
  let path: String
  let text: String

  var lineCount: Int { House.lineCount(text) }

  static func all(below folder: String) throws -> [SourceFile] {
    let root = PackageFolder.url(folder).path
    let entries = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return try entries.filter { [".swift", ".c", ".h", ".inc"].contains(where: $0.hasSuffix) }
      .sorted()
      .map {
        SourceFile(
          path: "\(folder)/\($0)",
          text: try String(contentsOfFile: "\(root)/\($0)", encoding: .utf8))
      }
  }
}
