import Formats
import Recipes

/// How much of the evaluated parts lies on the ground of the training part.
struct Footprints {
  /// Largest share of the test part's area that training samples cover too.
  private(set) var leak = 0.0
  /// A test sample that lies on training ground, with the training sample.
  private(set) var example = ""
  /// Sentences for the record.
  private(set) var notes: [String] = []

  /// Of the windows of scenes; those of a file without a place on the ground are compared inside it.
  init(_ scenes: [RasterScene], _ windows: [SplitPart: [RasterWindow]]) {
    let training = Index((windows[.train] ?? []).map { Box(scenes[$0.scene], $0) })
    for part in [SplitPart.val, .test] {
      let places = windows[part] ?? []
      guard !places.isEmpty else { continue }
      var (area, covered, count) = (0.0, 0.0, 0)
      var example = ""
      for place in places {
        let box = Box(scenes[place.scene], place)
        let hits = training.overlaps(of: box)
        area += box.area
        let share = min(box.area, hits.reduce(0) { $0 + $1.area })
        covered += share
        guard share > Self.leastShare * box.area else { continue }
        count += 1
        if example.isEmpty {
          let other = hits.max { $0.area < $1.area }?.name ?? ""
          example = "\(box.name) and \(other)"
        }
      }
      let share = area > 0 ? covered / area : 0
      if part == .test { (leak, self.example) = (share, example) }
      if count > 0 {
        notes.append(
          "\(Self.percent(share)) of the \(part.rawValue) area lies on training ground: "
            + "\(count) of \(places.count) samples, such as \(example).")
      }
    }
  }

  /// Overlaps of less of a sample are borders that touch.
  private static let leastShare = 0.01

  private static func percent(_ share: Double) -> String {
    share > 0 && share < 0.001
      ? "less than 0.1 %" : "\((1000 * share).rounded() / 10) %"
  }

  /// A window's bounding box on the ground.
  private struct Box {
    let name: String
    /// Coordinate system, or the file of one that has no place on the ground.
    let space: String
    let x: ClosedRange<Double>
    let y: ClosedRange<Double>

    var area: Double { (x.upperBound - x.lowerBound) * (y.upperBound - y.lowerBound) }

    init(_ scene: RasterScene, _ place: RasterWindow) {
      name = place.identifier(in: scene)
      let window = place.window
      let file = scene.layers[0].file
      let columns = [Double(window.column), Double(window.column + window.width)]
      let rows = [Double(window.row), Double(window.row + window.height)]
      guard let t = file.geoReference.transform else {
        space = file.path
        (x, y) = (columns[0]...columns[1], rows[0]...rows[1])
        return
      }
      space = file.geoReference.systemIdentity
      // Of a layer that is brought to another size, pixels are wider.
      let across = Double(file.width) / Double(scene.width)
      let down = Double(file.height) / Double(scene.height)
      let corners = columns.flatMap { column in rows.map { (column * across, $0 * down) } }
      let xs = corners.map { t[0] + $0.0 * t[1] + $0.1 * t[2] }
      let ys = corners.map { t[3] + $0.0 * t[4] + $0.1 * t[5] }
      x = (xs.min() ?? 0)...(xs.max() ?? 0)
      y = (ys.min() ?? 0)...(ys.max() ?? 0)
    }
  }

  /// Boxes by the cells of a grid that they touch.
  private struct Index {
    private struct Cell: Hashable {
      let space: String
      let column: Int
      let row: Int
    }
    private let boxes: [Box]
    private var cells: [Cell: [Int]] = [:]
    /// Side of a cell in each space: the largest box.
    private var sides: [String: Double] = [:]

    init(_ boxes: [Box]) {
      self.boxes = boxes
      for box in boxes {
        let side = max(box.x.upperBound - box.x.lowerBound, box.y.upperBound - box.y.lowerBound)
        sides[box.space] = max(sides[box.space] ?? 0, side)
      }
      for (number, box) in boxes.enumerated() {
        for cell in touched(by: box) { cells[cell, default: []].append(number) }
      }
    }

    private func touched(by box: Box) -> [Cell] {
      guard let side = sides[box.space], side > 0 else { return [] }
      func numbers(_ range: ClosedRange<Double>) -> ClosedRange<Int> {
        Int(
          (range.lowerBound / side).rounded(.down))...Int(
            (range.upperBound / side).rounded(.down))
      }
      return numbers(box.x).flatMap { column in
        numbers(box.y).map { Cell(space: box.space, column: column, row: $0) }
      }
    }

    /// Names of the boxes that a box meets, and the common area.
    func overlaps(of box: Box) -> [(name: String, area: Double)] {
      Set(touched(by: box).flatMap { cells[$0] ?? [] }).sorted().compactMap { number in
        let other = boxes[number]
        let width =
          min(box.x.upperBound, other.x.upperBound)
          - max(box.x.lowerBound, other.x.lowerBound)
        let height =
          min(box.y.upperBound, other.y.upperBound)
          - max(box.y.lowerBound, other.y.lowerBound)
        return width > 0 && height > 0 ? (other.name, width * height) : nil
      }
    }
  }
}
