import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Lists of files")
struct FileListTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: folder.path("images"), withIntermediateDirectories: true)
    for number in 0..<6 {
      try PNGImage(
        width: 4, height: 4, colorModel: .gray, bitDepth: 8,
        samples: (0..<16).map { UInt16(10 * number + $0) }
      ).write(to: folder.path("images/\(number).png"))
    }
    try folder.write("images/0.png 1\nimages/3.png 0\n\n# none\nimages/4.png 1\n", to: "train.txt")
    try folder.write("images/1.png 0\n", to: "val.txt")
    try folder.write("images/5.png 1\n", to: "test.txt")
    try folder.write("images/0.png 1\nimages/1.png 0\n", to: "trainval.txt")
  }

  /// The data set that a recipe with this target reads.
  private func open(_ target: String) throws -> any DataSet {
    try folder.write(
      """
      version: 1
      name: x
      task: x
      model: {backbone: vit, weights: none}
      data:
        format: image-folder
        inputs: {image: {unit: dn, normalize: none}}
        target: \(target)
        split: {method: files, train: train.txt, val: val.txt, test: test.txt}
      train: {max_steps: 1, optimizer: {name: adamw, lr: 1e-3}}
      """, to: "recipe.yaml")
    let diagnostics = Diagnostics()
    let recipe = try RecipeLoader().load(
      file: folder.path("recipe.yaml"), overrides: [], diagnostics)
    let plan = ImageFolderFormat.plan(recipe.data, target: .label, diagnostics)
    try diagnostics.throwErrors()
    return try #require(plan).open(seed: 1)
  }

  @Test("name the parts, and the classes of their files")
  func labels() throws {
    let data = try open("{path: \"*.txt\", column: label}")
    func found(_ part: SplitPart) throws -> [String: Int32] {
      let samples = try #require(data.samples(part, augmented: false))
      return try (0..<samples.count).reduce(into: [:]) { result, index in
        let target = try #require(try samples.sample(index, epoch: 0)["target"])
        result[samples.identifier(index)] = target.elements(as: Int32.self)[0]
      }
    }
    #expect(try found(.train) == ["images/0": 1, "images/3": 0, "images/4": 1])
    #expect(try found(.val) == ["images/1": 0])
    #expect(try found(.test) == ["images/5": 1])
    #expect(data.target?.names == ["0", "1"])
    let names = data.filePaths.map { URL(filePath: $0).lastPathComponent }
    #expect(Set(names).isSuperset(of: ["train.txt", "val.txt", "test.txt", "0.png"]))
    #expect(!names.contains("2.png"))
  }

  @Test("that disagree, or name what is not there, are refused")
  func refusals() throws {
    try folder.write("images/0.png 0\n", to: "trainval.txt")
    #expect { try open("{path: \"*.txt\", column: label}") } throws: { error in
      "\(error)".contains("images/0.png")
    }
    try folder.write("images/0.png 1\nimages/9.png 0\n", to: "train.txt")
    #expect { try open("{path: \"t*t.txt\", column: label}") } throws: { error in
      "\(error)".contains("images/9.png")
    }
    try folder.write("# nothing\n", to: "train.txt")
    #expect { try open("{path: \"t*t.txt\", column: label}") } throws: { error in
      (error as? DataError)?.exitCode == .malformedData && "\(error)".contains("names no file")
    }
    try folder.write("images/0.png 1\nimages/3.png\n", to: "train.txt")
    #expect { try open("{path: train.txt, column: label}") } throws: { error in
      "\(error)".contains("'images/3.png' has 0 values behind it, the first line 1")
    }
  }
}

@Suite("JPEG pictures")
struct JPEGPictureTests {
  /// 12×8 pixels, quality 92, without subsampling.
  private static let picture =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJ"
    + "DRENDg8QEBEQCgwSExIQEw8QEBD/2wBDAQMDAwQDBAgEBAgQCwkLEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ"
    + "EBAQEBAQEBAQEBAQEBAQEBAQEBD/wAARCAAIAAwDAREAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcI"
    + "CQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRol"
    + "JicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ip"
    + "qrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAA"
    + "AAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLR"
    + "ChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaX"
    + "mJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEA"
    + "PwDxn4ffsp+f5X/Etz0/gr8vwme/2p1vc8LgfxR5OX3z6C0X9j7fp8bf2X/45X0VLh76xH2ltz+pcp8W7YWK5/xP/9k="

  @Test("give the values that Pillow gives")
  func values() throws {
    let folder = try TemporaryDirectory()
    let bytes = try #require(Data(base64Encoded: Self.picture))
    try bytes.write(to: URL(filePath: folder.path("a.jpg")))
    let file = try ImageFolderFormat.open(folder.path("a.jpg"))
    #expect(file.bands == ["red", "green", "blue"] && file.width == 12 && file.height == 8)
    let values = try file.read(
      bands: [0, 1, 2], in: .init(column: 0, row: 3, width: 12, height: 1)
    ).elements(as: Float.self)
    let expected: [[Float]] = [
      [3, 21, 42, 63, 82, 103, 125, 143, 168, 185, 210, 225],
      [92, 94, 93, 92, 93, 92, 91, 94, 91, 91, 92, 92],
      [0, 5, 14, 25, 35, 46, 54, 62, 75, 81, 90, 97],
    ]
    #expect(values == expected.flatMap { $0 })
    try bytes.write(to: URL(filePath: folder.path("b.JPG")))
    let found = try FileSearch.files(
      ".", root: folder.path("."), suffixes: ImageFolderFormat.suffixes)
    #expect(found.map { URL(filePath: $0).lastPathComponent } == ["a.jpg", "b.JPG"])
    #expect(try ImageFolderFormat.open(found[1]).width == 12)
  }
}
