import Formats

/// A window of a scene: one sample.
struct RasterWindow: Sendable {
  /// Number of the scene.
  let scene: Int
  let window: RasterFile.Window
  /// Row and column of the block that it lies in, where the split is by blocks.
  var block: (row: Int, column: Int)?
  /// First row and column inside the window whose pixels no other window of an evaluated part counts.
  var counted = (row: 0, column: 0)

  /// `scene`, or `scene@row,column` for a window that is not the whole.
  func identifier(in scene: RasterScene) -> String {
    let isWhole = window.width == scene.width && window.height == scene.height
    return isWhole ? scene.identifier : "\(scene.identifier)@\(window.row),\(window.column)"
  }

  /// What it belongs to that is independent of other windows: its block, else its scene.
  func unit(in scene: RasterScene) -> String {
    block.map { "\(scene.identifier)#\($0.row),\($0.column)" } ?? scene.identifier
  }

  /// The windows of all scenes by part, those of validation and test side by side whatever the
  /// stride, so that no pixel is counted twice; `classes` has one of each scene where scenes have classes.
  ///
  /// Scenes of the class `ignored` are left out.
  static func parts(
    of scenes: [RasterScene], _ options: RasterOptions, classes: [Int]?, ignored: Int
  ) throws(DataError) -> [SplitPart: [RasterWindow]] {
    var parts: [SplitPart: [RasterWindow]] = [:]
    let partOfScene = try byClass(scenes, options.split, classes)
    for (number, scene) in scenes.enumerated() where classes?[number] != ignored {
      let aside = options.patch.map { RasterOptions.Patch(size: $0.size, stride: $0.size) }
      let windows = try Self.windows(of: scene, number, options.patch)
      let evaluated = try Self.windows(of: scene, number, aside)
      guard case .spatialBlocks(let fractions, let side) = options.split.method else {
        let part = partOfScene?[number] ?? scene.part ?? .train
        parts[part, default: []] += part == .train ? windows : evaluated
        continue
      }
      let columns = (scene.width + side - 1) / side
      let rows = (scene.height + side - 1) / side
      let blocks = try options.split.shuffled(rows * columns, fractions)
      for (place, isTraining) in windows.map({ ($0, true) }) + evaluated.map({ ($0, false) }) {
        let touched = place.blocks(side: side, columns: columns).map { blocks[$0] }
        if let part = touched.first, touched.allSatisfy({ $0 == part }),
          isTraining == (part == .train)
        {
          var place = place
          place.block = (place.window.row / side, place.window.column / side)
          parts[part, default: []].append(place)
        }
      }
    }
    for (part, limit) in options.split.limits {
      let windows = parts[part] ?? []
      let kept = try TrajectorySplit.limited(Array(windows.indices), to: limit, part: part)
      parts[part] = kept.map { windows[$0] }
    }
    return parts
  }

  /// Part of each scene by its class; nil where the split asks for none.
  private static func byClass(
    _ scenes: [RasterScene], _ split: RasterSplit, _ classes: [Int]?
  ) throws(DataError) -> [SplitPart]? {
    switch split.method {
    case .random, .files, .column, .spatialBlocks: return nil
    case .stratified, .perClass: break
    }
    guard let classes else {
      throw .optionInvalid(
        key: "data.split.method", found: "a split by class",
        expected: "random, spatial_block, files or column, since the samples have no class")
    }
    return try split.byClass(classes)
  }

  /// A grid of windows, the last of each row and column aligned to the border.
  private static func windows(
    of scene: RasterScene, _ number: Int, _ patch: RasterOptions.Patch?
  ) throws(DataError) -> [RasterWindow] {
    if patch != nil, let resized = scene.all.first(where: { $0.size != nil }) {
      throw .optionInvalid(
        key: "data.patch", found: "windows of files that are brought to another size",
        expected: "no patch, or no resize of \(resized.file.path)")
    }
    guard let patch else {
      let whole = RasterFile.Window(
        column: 0, row: 0, width: scene.width, height: scene.height)
      return [RasterWindow(scene: number, window: whole)]
    }
    guard patch.size <= scene.width, patch.size <= scene.height else {
      throw .optionInvalid(
        key: "data.patch.size", found: "\(patch.size)",
        expected: "at most the smaller side of \(scene.layers[0].file.path), which has "
          + "\(scene.height)×\(scene.width) pixels")
    }
    func starts(_ length: Int) -> [Int] {
      var starts = Array(stride(from: 0, through: length - patch.size, by: patch.stride))
      if starts.last != length - patch.size { starts.append(length - patch.size) }
      return starts
    }
    // The last window of a row or column begins inside the one before it.
    func counted(_ start: Int) -> Int {
      start % patch.size == 0 ? 0 : patch.size - start % patch.size
    }
    return starts(scene.height).flatMap { row in
      starts(scene.width).map { column in
        var place = RasterWindow(
          scene: number,
          window: .init(column: column, row: row, width: patch.size, height: patch.size))
        if patch.stride == patch.size { place.counted = (counted(row), counted(column)) }
        return place
      }
    }
  }

  /// Numbers of the blocks that the window touches.
  private func blocks(side: Int, columns: Int) -> [Int] {
    let rows = (window.row / side)...((window.row + window.height - 1) / side)
    let places = (window.column / side)...((window.column + window.width - 1) / side)
    return rows.flatMap { row in places.map { row * columns + $0 } }
  }
}
