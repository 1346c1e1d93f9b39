/// Swatches and names of classes in columns, drawn below a map.
struct ClassLegend {
  struct Entry {
    /// Position in the palette.
    let color: UInt8
    let text: String
  }

  let entries: [Entry]
  /// Lines below the entries.
  let notes: [String]
  /// Of the picture: at least that of the map.
  let width: Int
  let height: Int
  private let columns: Int
  private let columnWidth: Int

  /// Pixels of the picture per pixel of a letter.
  private static let scale = 2
  private static let margin = 8
  private static let swatchWidth = 28
  private static let lineHeight = (BitmapFont.height + 3) * scale
  private static let longestText = 60

  init(entries: [Entry], notes: [String], mapWidth: Int) {
    let entries = entries.map { Entry(color: $0.color, text: Self.shortened($0.text)) }
    self.entries = entries
    self.notes = notes
    let letters = entries.map(\.text.count).max() ?? 0
    let textWidth = { (count: Int) in count * BitmapFont.advance * Self.scale + 2 * Self.margin }
    columnWidth = Self.swatchWidth + textWidth(letters)
    width = max(mapWidth, columnWidth + Self.margin, textWidth(notes.map(\.count).max() ?? 0))
    columns = max(1, min(entries.count, (width - Self.margin) / columnWidth))
    let lines = (entries.count + columns - 1) / columns + notes.count
    height = 2 * Self.margin + lines * Self.lineHeight
  }

  private static func shortened(_ text: String) -> String {
    let text = BitmapFont.spelled(text)
    return text.count <= longestText ? text : text.prefix(longestText - 3) + "..."
  }

  /// Positions in the palette, row by row, `width` × `height`.
  func pixels(background: UInt8, ink: UInt8) -> [UInt8] {
    var pixels = [UInt8](repeating: background, count: width * height)
    func fill(_ column: Int, _ row: Int, _ columns: Int, _ rows: Int, _ color: UInt8) {
      for y in row..<(row + rows) {
        for x in column..<(column + columns) { pixels[y * width + x] = color }
      }
    }
    func write(_ text: String, _ column: Int, _ row: Int) {
      for pixel in BitmapFont.pixels(of: text) {
        fill(
          column + pixel.column * Self.scale, row + pixel.row * Self.scale, Self.scale, Self.scale,
          ink)
      }
    }
    // Down the first column, then the next.
    let lines = (entries.count + columns - 1) / columns
    for (number, entry) in entries.enumerated() {
      let column = Self.margin + number / lines * columnWidth
      let row = Self.margin + number % lines * Self.lineHeight
      fill(column, row, Self.swatchWidth, 7 * Self.scale, ink)
      fill(column + 1, row + 1, Self.swatchWidth - 2, 7 * Self.scale - 2, entry.color)
      write(entry.text, column + Self.swatchWidth + Self.margin, row)
    }
    for (number, note) in notes.enumerated() {
      write(note, Self.margin, Self.margin + (lines + number) * Self.lineHeight)
    }
    return pixels
  }
}
