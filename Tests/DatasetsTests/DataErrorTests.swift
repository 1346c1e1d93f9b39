import Datasets
import Foundation
import Recipes
import TestSupport
import Testing

@Suite("Texts of data errors")
struct DataErrorTests {
  private static let all: [(DataError, [String], ExitCode)] = [
    (
      .classesNotTrained(names: ["Oats", "Corn"], part: "train"),
      ["Oats, Corn", "part train", "data.split.min_per_class"], .malformedData
    ),
    (
      .leakTooLarge(found: 0.73, allowed: 0.1), ["0.73", "0.1", "spatial_block", "max_leak"],
      .malformedData
    ),
    (
      .variableAmbiguous(path: "a.mat", key: "data.target.variable", available: ["x [2, 3]"]),
      ["a.mat", "data.target.variable", "has x [2, 3]"], .malformedData
    ),
    (
      .planInvalid(key: "grid", found: "0", expected: "at least 1"), ["grid", "0"],
      .wrongCommandLine
    ),
    (
      .solverFailed(equation: "burgers", reason: "too small", remedy: "Raise Nu."),
      ["burgers", "Raise Nu."], .failed
    ),
    (
      .noFiles(pattern: "/a/*.h5", suffixes: ["h5"], available: ["b.nc"]),
      ["/a/*.h5", "b.nc", "data.root"], .inputMissing
    ),
    (
      .layoutUnknown(path: "a.h5", format: "pdebench", expected: "`tensor`", available: ["x"]),
      ["a.h5", "pdebench", "`tensor`", "has x", "data.format"], .malformedData
    ),
    (
      .wrongRank(path: "a.h5", dataset: "tensor", expected: 3, found: [4, 5]),
      ["a.h5", "'tensor'", "[4, 5]", "3 axes"], .malformedData
    ),
    (
      .shapesDiffer(path: "a.h5", first: "p", firstShape: [1], second: "q", secondShape: [2]),
      ["a.h5", "'p'", "[1]", "'q'", "[2]"], .malformedData
    ),
    (
      .empty(path: "a.h5", trajectories: 0, frames: 3, space: [8]), ["a.h5", "0 trajectories"],
      .malformedData
    ),
    (
      .fieldMissing(field: "Vy", path: "a.h5", available: ["Vx"]),
      ["a.h5", "'Vy'", "has Vx", "fields"], .invalidRecipe
    ),
    (
      .componentsDiffer(path: "a.h5", fields: ["V", "w"], components: [2, 3]),
      ["a.h5", "[2, 3]"], .malformedData
    ),
    (
      .notFinite(path: "a.h5", trajectory: "a.h5#3", frame: 7, field: "u"),
      ["a.h5", "#3", "frame 7", "'u'"], .malformedData
    ),
    (
      .filesDiffer(property: "frames", first: "a.h5", expected: "5", second: "b.h5", found: "6"),
      ["a.h5", "b.h5", "frames 6", "has 5"], .malformedData
    ),
    (
      .optionInvalid(key: "data.n_steps_input", found: "9", expected: "1 to 4"),
      ["data.n_steps_input", "9", "1 to 4"], .invalidRecipe
    ),
    (
      .splitOverlap(identifier: "a.h5#1", first: "train", second: "test"),
      ["a.h5#1", "train", "test", "data.split"], .invalidRecipe
    ),
    (.constantField(field: "u", value: 3), ["'u'", "3", "normalize"], .malformedData),
  ]

  @Test("say what, where, and how to mend it", arguments: all.indices)
  func texts(row: Int) {
    let (error, parts, code) = Self.all[row]
    for part in parts { #expect("\(error)".contains(part)) }
    #expect("\(error)".hasSuffix("."))
    #expect(error.exitCode == code)
  }
}

@Suite("Search for data files")
struct FileSearchTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in ["v_10.nc", "v_2.nc", "v_1.nc", "w_1.nc", "notes.txt"] {
      _ = try folder.write(Data(), to: name)
    }
  }

  private func names(_ pattern: String) throws -> [String] {
    try FileSearch.files(pattern, root: folder.path, suffixes: ["nc"])
      .map { FileSearch.label(of: $0, root: folder.path) }
  }

  @Test("takes files, folders and names with *, in the order of their numbers")
  func finds() throws {
    #expect(try names("v_2.nc") == ["v_2.nc"])
    #expect(try names("v_*.nc") == ["v_1.nc", "v_2.nc", "v_10.nc"])
    #expect(try names(".") == ["v_1.nc", "v_2.nc", "v_10.nc", "w_1.nc"])
    #expect(try names(folder.file("w_1.nc")) == ["w_1.nc"])
  }

  @Test("says what lies there where nothing matches")
  func nothing() {
    let error = #expect(throws: DataError.self) { try names("u_*.nc") }
    #expect(error?.description.contains("v_10.nc") == true)
  }
}
