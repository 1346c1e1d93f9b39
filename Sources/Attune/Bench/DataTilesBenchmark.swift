import Datasets
import Formats
import Foundation
import Recipes
import Tensors

/// Reads every `*.tif` below a folder, whole or one window at random, by the reader of recipes.
struct DataTilesBenchmark: Benchmark {
  static let name = "data-tiles"
  static let summary = "reading the tiles below a folder"
  static let options = readingOptions.adding([
    Option(
      "window", .integer, default: .absent, range: .atLeast(1), unit: "pixels",
      "Side of one window of each tile; tiles that are smaller are read whole.")
  ])

  static func work(
    _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> () throws -> any BenchReport {
    let reading = DataReading(options)
    let side = options.optionalInt("window")
    return {
      let clock = ContinuousClock()
      let start = clock.now
      let files = try tiles(below: reading.path).map { try PixelFile.raster(path: $0) }
      return try reading.result(
        "tiles", count: files.count, window: side, opening: (clock.now - start) / .seconds(1)
      ) { number in
        let file = files[number]
        return try file.read(
          bands: Array(file.bands.indices), in: window(of: file, side: side, number))
      }
    }
  }

  /// The same window of a tile in every pass.
  private static func window(of file: PixelFile, side: Int?, _ number: Int) -> RasterFile.Window {
    guard let side, file.width >= side, file.height >= side else {
      return .init(column: 0, row: 0, width: file.width, height: file.height)
    }
    var random = Philox(seed: 0, purpose: .data, step: 0, index: number)
    return .init(
      column: random.below(file.width - side + 1), row: random.below(file.height - side + 1),
      width: side, height: side)
  }

  private static func tiles(below folder: String) throws -> [String] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let tiles = names.filter { $0.hasSuffix(".tif") }.sorted()
    guard !tiles.isEmpty else {
      throw DataError.noFiles(pattern: folder + "/**/*.tif", suffixes: ["tif"], available: [])
    }
    return tiles.map { folder + "/" + $0 }
  }
}
