import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

/// Small pictures with targets of some kind, and a recipe that reads them.
private struct Labelled {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  func picture(_ name: String, side: Int = 8, _ value: (Int) -> UInt16) throws {
    let path = folder.path(name)
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try PNGImage(
      width: side, height: side, colorModel: .gray, bitDepth: 8,
      samples: (0..<(side * side)).map(value)
    ).write(to: path)
  }

  /// An opened set, whose files stay there as long as it does.
  struct Opened {
    let folder: TemporaryDirectory
    let set: any DataSet

    var target: TargetDescription? { self.set.target }

    func samples(_ part: SplitPart, augmented: Bool) -> (any SampleSet)? {
      set.samples(part, augmented: augmented)
    }
  }

  /// Reads `data:` with these lines for a task that needs a target.
  func open(_ target: TargetKind, _ lines: String) throws -> Opened {
    let text = """
      version: 1
      name: x
      task: x
      model: {backbone: vit, weights: none}
      data:
        format: image-folder
      \(lines.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
      train: {max_steps: 1, optimizer: {name: adamw, lr: 1e-3}}
      """
    try folder.write(text, to: "recipe.yaml")
    let diagnostics = Diagnostics()
    let recipe = try RecipeLoader().load(
      file: folder.path("recipe.yaml"), overrides: [], diagnostics)
    let plan = ImageFolderFormat.plan(recipe.data, target: target, diagnostics)
    try diagnostics.throwErrors()
    return Opened(folder: folder, set: try #require(plan).open(seed: 3))
  }
}

private func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch {
    return "\(error)"
  }
}

@Suite("Targets of rasters")
struct RasterTargetTests {
  /// Three classes in folders, `count` pictures each.
  private func folders(_ count: Int = 4) throws -> Labelled {
    let data = try Labelled()
    for (number, name) in ["ash", "birch", "cedar"].enumerated() {
      for index in 0..<count {
        try data.picture("\(name)/p\(index).png") { UInt16(40 * number + index + $0 % 7) }
      }
    }
    return data
  }

  @Test("the folder that a picture lies in is its class")
  func classFolders() throws {
    let data = try folders().open(
      .label,
      """
      inputs: {image: {path: "*/*.png"}}
      split: {method: stratified, fractions: [0.5, 0.25, 0.25]}
      """)
    let target = try #require(data.target)
    #expect(target.names == ["ash", "birch", "cedar"] && target.counts == [2, 2, 2])
    let samples = try #require(data.samples(.test, augmented: false))
    #expect(samples.count == 3)
    #expect(samples.groups == [0, 1, 2])
    for index in 0..<samples.count {
      let label = try #require(try samples.sample(index, epoch: 0)["target"])
      let name = samples.identifier(index).split(separator: "/")[0]
      #expect(label.shape == [] && label.dtype == .i32)
      #expect(target.names[Int(label.elements(as: Int32.self)[0])] == name)
    }
  }

  @Test("a few samples of each class train, at most half of it")
  func fewShot() throws {
    let data = try folders(5).open(
      .label,
      """
      inputs: {image: {path: "*/*.png"}}
      split: {method: per_class_count, train: 4, val: 1}
      """)
    #expect(data.target?.counts == [2, 2, 2])
    #expect(data.samples(.val, augmented: false)?.count == 3)
    #expect(data.samples(.test, augmented: false)?.count == 6)
  }

  @Test("labels by table: one column, a list, columns of 0 and 1, numbers, shares")
  func tables() throws {
    let data = try folders(2)
    let table = """
      path,kind,tags,hot,cold,height,a,b
      ash/p0,yes,x;y,1,0,1.5,0.25,0.75
      ash/p1,no,y,0,1,2.5,0.5,0.5
      birch/p0,yes,x,1,1,3.5,1,0
      birch/p1,no,,0,0,4.5,0,1
      cedar/p0,yes,"x,y",1,0,5.5,0.1,0.9
      cedar/p1,no,y,0,1,6.5,0.3,0.7
      """
    try data.folder.write(table, to: "labels.csv")
    func read(_ kind: TargetKind, _ target: String) throws -> (TargetDescription, [Float]) {
      let set = try data.open(
        kind,
        """
        inputs: {image: {path: "*/*.png"}}
        target: {path: labels.csv, \(target)}
        split: {method: files, train: "*/*.png"}
        """)
      let first = try #require(set.samples(.train, augmented: false)?.sample(0, epoch: 0)["target"])
      let values =
        first.dtype == .i32
        ? first.elements(as: Int32.self).map { Float($0) } : first.elements(as: Float.self)
      return (try #require(set.target), values)
    }
    let (kind, label) = try read(.label, "column: kind")
    #expect(kind.names == ["no", "yes"] && kind.counts == [3, 3] && label == [1])
    let (tags, list) = try read(.labels, "column: tags")
    #expect(tags.names == ["x", "y"] && tags.counts == [3, 4] && list == [1, 1])
    let (flags, row) = try read(.labels, "class_names: [hot, cold]")
    #expect(flags.counts == [3, 3] && row == [1, 0])
    let (height, value) = try read(.values, "column: height")
    #expect(height.means == [4] && value == [1.5])
    #expect(abs(height.deviations[0] - (35.0 / 12).squareRoot()) < 1e-9)
    let (shares, share) = try read(.shares, "class_names: [a, b]")
    #expect(share == [0.25, 0.75] && abs(shares.means[0] - 2.15 / 6) < 1e-6)
    for (target, text) in [
      ("column: none", "no column none"), ("class_names: [hot, height]", "neither 0 nor 1"),
    ] {
      #expect(message { _ = try read(.labels, target) }.contains(text))
    }
    #expect(message { _ = try read(.shares, "class_names: [hot, cold]") }.contains("add up to"))
    #expect(message { _ = try read(.values, "column: kind") }.contains("not a number"))
  }

  /// Pictures and masks of 8×8 pixels: class 1 in the right half, 7 in the last row.
  private func masks(
    _ classes: (Int, Int) -> UInt16 = { row, column in
      row == 7 ? 7 : column < 4 ? 0 : 1
    }
  ) throws -> Labelled {
    let data = try Labelled()
    for number in 0..<4 {
      try data.picture("p\(number)_image.png") { UInt16(number * 10 + $0) }
      try data.picture("p\(number)_mask.png") { classes($0 / 8, $0 % 8) }
    }
    return data
  }

  private static let pairs = """
    inputs: {image: {path: "*_image.png"}}
    split: {method: random, fractions: [0.5, 0.25, 0.25]}
    """

  @Test("class rasters are paired by identifier, mapped, and counted by pixels")
  func classMaps() throws {
    let data = try masks().open(
      .classMap,
      Self.pairs + "\ntarget: {path: \"*_mask.png\", ignore_index: 7, class_names: [left, right]}")
    let target = try #require(data.target)
    #expect(target.counts == [2 * 28, 2 * 28] && target.ignoreIndex == 7)
    let sample = try #require(data.samples(.test, augmented: false)?.sample(0, epoch: 0)["target"])
    #expect(sample.shape == [8, 8] && sample.dtype == .i32)
    #expect(
      Array(sample.elements(as: Int32.self).suffix(12)) == [1, 1, 1, 1]
        + [Int32](repeating: 7, count: 8))
    let mapped = try masks().open(
      .classMap,
      Self.pairs + "\ntarget: {path: \"*_mask.png\", label_map: {0: 1, 1: 0}, unmapped: ignore}")
    let first = try #require(mapped.samples(.test, augmented: false)?.sample(0, epoch: 0)["target"])
    #expect(first.elements(as: Int32.self)[0] == 1 && first.elements(as: Int32.self)[63] == 255)
  }

  @Test("crops and flips take the target along")
  func jointTransforms() throws {
    let data = try masks { _, column in UInt16(column) }.open(
      .classMap,
      Self.pairs + """

        target: {path: "*_mask.png"}
        transforms: [{name: random-crop, size: 4}, horizontal-flip]
        """)
    let samples = try #require(data.samples(.train, augmented: true))
    for epoch in 0..<8 {
      let sample = try samples.sample(0, epoch: epoch)
      let (image, target) = (try #require(sample["image"]), try #require(sample["target"]))
      #expect(image.shape == [1, 4, 4] && target.shape == [4, 4])
      // Pictures rise by 1 along a row, as the classes do.
      let (x, y) = (image.elements(as: Float.self), target.elements(as: Int32.self))
      #expect((x[1] - x[0] > 0) == (y[1] - y[0] > 0))
    }
  }

  @Test(
    "labels outside the classes, a training part without labels, wrong rasters",
    arguments: [
      ("class_names: [left, right]", "label '7' is none of the 2 classes"),
      ("label_map: {50: 0, 51: 1}, unmapped: ignore", "pixels of the training part are ignored"),
      ("label_map: {0: 0, 1: 0, 7: 0}", "the one class"),
      ("ignore_index: 1, class_names: [a, b]", "one of the 2 classes"),
    ])
  func refusals(target: String, text: String) throws {
    let data = try masks()
    let found = message {
      _ = try data.open(.classMap, Self.pairs + "\ntarget: {path: \"*_mask.png\", \(target)}")
    }
    #expect(found.contains(text), "\(found)")
  }

  @Test("a sample without its mask, and a class that no training sample has")
  func missing() throws {
    let data = try masks()
    try FileManager.default.removeItem(atPath: data.folder.path("p2_mask.png"))
    let found = message {
      _ = try data.open(.classMap, Self.pairs + "\ntarget: {path: \"*_mask.png\"}")
    }
    #expect(found.contains("'p2'") && found.contains("no file of 'target'"), "\(found)")
    let absent = message {
      _ = try folders().open(
        .label,
        """
        inputs: {image: {path: "*/*.png"}}
        target: {class_names: [ash, birch, cedar, elm]}
        split: {method: stratified, fractions: [0.5, 0.25, 0.25]}
        """)
    }
    #expect(absent.contains("no training sample of class elm"), "\(absent)")
  }

  @Test("windows of test parts lie side by side, and no pixel is counted twice")
  func countedOnce() throws {
    let data = try Labelled()
    for number in 0..<4 {
      try data.picture("p\(number)_image.png", side: 14) { UInt16(number * 10 + $0 % 100) }
      try data.picture("p\(number)_mask.png", side: 14) { UInt16($0 / 14 < 7 ? 0 : 1) }
    }
    let set = try data.open(
      .classMap,
      Self.pairs + "\ntarget: {path: \"*_mask.png\"}\npatch: {size: 6, stride: 2}")
    let test = try #require(set.samples(.test, augmented: false))
    #expect(test.count == 9)
    var counts = [Int](repeating: 0, count: 2)
    for index in 0..<test.count {
      let target = try #require(try test.sample(index, epoch: 0)["target"])
      for label in target.elements(as: Int32.self) where label != 255 { counts[Int(label)] += 1 }
      #expect(test.unit(index) == test.unit(0))
    }
    #expect(counts == [98, 98])
    let training = try #require(set.samples(.train, augmented: true))
    #expect(training.count == 2 * 25)
  }

  @Test("degraded inputs differ from epoch to epoch in training, never in evaluation")
  func degradation() throws {
    let data = try masks().open(
      .image,
      """
      inputs: {image: {path: "*_image.png", scale: 0.0039215686, normalize: none}}
      degrade: {list: [{name: gaussian-noise, sigma: 25}]}
      split: {method: random, fractions: [0.5, 0.25, 0.25]}
      """)
    let training = try #require(data.samples(.train, augmented: true))
    let (one, two) = (try training.sample(0, epoch: 0), try training.sample(0, epoch: 1))
    #expect(one["target"]?.elements(as: Float.self) == two["target"]?.elements(as: Float.self))
    #expect(one["image"]?.elements(as: Float.self) != two["image"]?.elements(as: Float.self))
    let test = try #require(data.samples(.test, augmented: false))
    #expect(
      try test.sample(0, epoch: 0)["image"]?.elements(as: Float.self)
        == test.sample(0, epoch: 5)["image"]?.elements(as: Float.self))
    let clean = try #require(one["target"]).elements(as: Float.self)
    let noisy = try #require(one["image"]).elements(as: Float.self)
    let spread = zip(clean, noisy).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 64
    #expect(abs(spread.squareRoot() * 255 - 25) < 12)
    let wrong = message {
      _ = try masks().open(
        .image,
        """
        inputs: {image: {path: "*_image.png", normalize: none}}
        degrade: {list: [{name: gaussian-noise, sigma: 25}]}
        split: {method: random, fractions: [0.5, 0.25, 0.25]}
        """)
    }
    #expect(wrong.contains("0.0039215686"), "\(wrong)")
  }
}
