import Attune
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

/// Pictures that a small ViT learns something from within seconds, with targets of every kind.
///
/// Each picture is a bright square on noise; its brightness, place and size are what is asked.
struct TaskScene {
  let folder: TemporaryDirectory
  static let side = 16

  /// Forty pictures, their masks, clean versions, height maps, and a table.
  init(_ count: Int = 40) throws {
    folder = try TemporaryDirectory()
    var lines = ["id,kind,tags,brightness,dark,bright"]
    for number in 0..<count {
      let (row, column) = (number * 5 % 9, number * 7 % 9)
      let isBright = number % 2 == 0
      let level: UInt16 = isBright ? 200 : 90
      func inside(_ place: Int) -> Bool {
        (row..<(row + 7)).contains(place / Self.side)
          && (column..<(column + 7)).contains(place % Self.side)
      }
      func noise(_ place: Int) -> UInt16 { UInt16((place &* 2_654_435 &+ number * 977) % 31) }
      try picture("image/p\(number).png") { inside($0) ? level + noise($0) : 20 + noise($0) }
      try picture("clean/p\(number).png") { inside($0) ? level : 20 }
      try picture("mask/p\(number).png") { inside($0) ? 1 : 0 }
      // Nothing is known of a band whose width differs from picture to picture.
      try picture("patchy/p\(number).png") {
        $0 % Self.side < number % 15 ? 9 : inside($0) ? 1 : 0
      }
      try raster("height/p\(number).tif") { inside($0) ? Float(level) / 10 : 2 }
      try picture("class/\(isBright ? "bright" : "dark")/p\(number).png") {
        inside($0) ? level + noise($0) : 20 + noise($0)
      }
      let share = isBright ? 0.8 : 0.3
      lines.append(
        "p\(number),\(isBright ? "bright" : "dark"),"
          + "\(isBright ? "bright" : "dark")\(row < 4 ? ";upper" : ""),\(level),\(1 - share),\(share)"
      )
    }
    try folder.write(lines.joined(separator: "\n") + "\n", to: "table.csv")
  }

  /// A mask of one more kind.
  func mask(_ name: String, _ value: (Int) -> UInt16) throws { try picture(name, value) }

  private func picture(_ name: String, _ value: (Int) -> UInt16) throws {
    try makeFolder(of: name)
    try PNGImage(
      width: Self.side, height: Self.side, colorModel: .gray, bitDepth: 8,
      samples: (0..<(Self.side * Self.side)).map(value)
    ).write(to: folder.path(name))
  }

  private func raster(_ name: String, _ value: (Int) -> Float) throws {
    try makeFolder(of: name)
    let writer = try RasterWriter(
      path: folder.path(name),
      layout: RasterLayout(
        width: Self.side, height: Self.side, elementType: .float32, bands: ["height"]))
    try writer.append((0..<(Self.side * Self.side)).map(value))
    try writer.commit()
  }

  private func makeFolder(of name: String) throws {
    try FileManager.default.createDirectory(
      atPath: (folder.path(name) as NSString).deletingLastPathComponent,
      withIntermediateDirectories: true)
  }

  /// A recipe for a task; `lines` are indented below `data`.
  func recipe(_ task: String, data lines: String, model: String = Self.vit) throws -> String {
    let text = """
      version: 1
      name: \(task)
      seed: 3
      task: \(task)
      model:
      \(model.indented)
      data:
        format: image-folder
      \(lines.indented)
        batch_size: 8
      train:
        max_steps: 60
        optimizer: {name: adamw, lr: 3e-3}
        lr_scheduler: {name: cosine}
        eval_every: 30
      distributed: {threads: 2}
      output: {dir: \(folder.path("runs"))}
      """
    try folder.write(text, to: "\(task).yaml")
    return folder.path("\(task).yaml")
  }

  static let vit = """
    backbone: {name: vit, patch_size: 4, embed_dim: 32, depth: 2, num_heads: 2}
    weights: none
    """

  /// Trains, and gives the folder and the record of the run.
  func train(
    _ recipe: String, _ overrides: [String] = []
  ) throws -> (directory: String, record: RunRecord) {
    let result = try Attune.train(TrainRequest(recipe: recipe, overrides: overrides))
    return (result.directory.path, try #require(result.record))
  }

  /// Predicts from some files into a fresh folder.
  func predict(
    _ run: String, _ inputs: [String], _ change: (inout PredictRequest) -> Void = { _ in }
  ) throws -> [Prediction] {
    var request = PredictRequest(
      run: run, inputs: inputs.map { folder.path($0) },
      output: folder.path("out-\(inputs.joined().count)-\(UUID().uuidString.prefix(6))"))
    change(&request)
    return try Attune.predict(request)
  }
}

extension String {
  /// Every line two columns to the right.
  fileprivate var indented: String {
    split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
  }
}

extension RunRecord.Evaluation {
  /// Value of a metric for the model and the baseline.
  func values(_ name: String) throws -> (model: Double, baseline: Double) {
    let model = try #require(metrics.first { $0.name == name })
    let trivial = try #require(baseline.first { $0.name == name })
    return (model.value, trivial.value)
  }
}

/// Names of the tensors in a safetensors file.
enum SafetensorsKeys {
  static func of(_ path: String) throws -> [String] {
    let data = try Data(contentsOf: URL(filePath: path))
    let length = data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let header = try JSONSerialization.jsonObject(with: data.dropFirst(8).prefix(length))
    return ((header as? [String: Any]) ?? [:]).keys.sorted()
  }
}
