internal import CGDAL
import Foundation

/// A GeoTIFF under construction: tiled, compressed, written from top to bottom as rows come.
///
/// It has a temporary name beside the target until `commit()`, and is removed when dropped before.
/// Memory is one row of blocks. Blocks are written in their order, so equal rows give equal bytes
/// however they are cut. For one thread.
package final class RasterWriter {
  package let path: String
  package let layout: RasterLayout
  /// Rows that were appended.
  package private(set) var rowCount = 0
  private let temporaryPath: String
  private var dataset: GDALDatasetH?
  /// Rows that wait for their blocks to be full: `[band, row, column]`, `blockSide` rows.
  private var waiting: UnsafeMutableRawBufferPointer
  /// One block.
  private let block: UnsafeMutableRawBufferPointer

  /// Creates the temporary file.
  ///
  /// - Throws: `FormatError.cannotCreate`; `.unsupported` where the element type does not hold the
  ///   no-data value, or the library lacks the compression.
  package init(path: String, layout: RasterLayout) throws(FormatError) {
    precondition(
      layout.colors.isEmpty || layout.bands.count == 1 && layout.elementType != .float32,
      "\(path): a color table is for one band of integers")
    if let noData = layout.noData, !layout.elementType.holds(noData) {
      throw .unsupported(
        path: path, what: "the no-data value \(noData) in a raster of \(layout.elementType)",
        remedy: "Choose a value that the type holds.")
    }
    self.path = path
    self.layout = layout
    try GDAL.load(for: path)
    let temporaryPath = try Temporary.path(for: path)
    self.temporaryPath = temporaryPath
    let side = layout.blockSide
    let byteCount = layout.elementType.byteCount
    dataset = try GDAL.quietly { () throws(FormatError) in
      try Self.create(temporaryPath, for: path, layout)
    }
    waiting = .allocate(
      byteCount: layout.bands.count * side * layout.width * byteCount, alignment: 16)
    block = .allocate(byteCount: side * side * byteCount, alignment: 16)
  }

  deinit {
    waiting.deallocate()
    block.deallocate()
    guard let dataset else { return }
    GDAL.quietly { GDALClose(dataset) }
    removeTemporary()
  }

  /// Appends full rows.
  ///
  /// - Parameter rows: `[band, row, column]` of the layout's element type and width.
  /// - Throws: `FormatError.writeFailed`; the writer is of no more use then.
  package func append<Element: RasterElement>(
    _ rows: UnsafeBufferPointer<Element>
  ) throws(FormatError) {
    precondition(
      Element.rasterElementType == layout.elementType,
      "\(path): \(Element.self) for a raster of \(layout.elementType)")
    let rowElements = layout.width * layout.bands.count
    let count = rows.count / rowElements
    precondition(
      count * rowElements == rows.count && rowCount + count <= layout.height,
      "\(path): \(rows.count) values after \(rowCount) of \(layout.height) rows")
    let bytes = UnsafeRawBufferPointer(rows)
    let rowBytes = layout.width * layout.elementType.byteCount
    let side = layout.blockSide
    var first = 0
    while first < count {
      let held = rowCount % side
      let taken = min(count - first, side - held)
      for band in layout.bands.indices {
        let source = bytes[((band * count + first) * rowBytes)...].prefix(taken * rowBytes)
        let target = UnsafeMutableRawBufferPointer(
          rebasing: waiting[((band * side + held) * rowBytes)...])
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
      }
      first += taken
      rowCount += taken
      if rowCount % side == 0 || rowCount == layout.height { try writeBlocks() }
    }
  }

  /// Appends full rows `[band, row, column]`.
  package func append<Element: RasterElement>(_ rows: [Element]) throws(FormatError) {
    try rows.withUnsafeBufferPointer { (rows) throws(FormatError) in try append(rows) }
  }

  /// Flushes to the disk and gives the file its name; a file of that name is replaced.
  ///
  /// All rows must have been appended.
  ///
  /// - Throws: `FormatError.writeFailed`.
  package func commit() throws(FormatError) {
    precondition(rowCount == layout.height, "\(path): \(rowCount) of \(layout.height) rows")
    guard let dataset else { preconditionFailure("\(path) was committed twice") }
    self.dataset = nil
    // Closing reports failures by the last error alone.
    let failure: String? = GDAL.quietly {
      GDALClose(dataset)
      return CPLGetLastErrorType().rawValue >= CE_Failure.rawValue ? GDAL.lastMessage : nil
    }
    if let failure {
      removeTemporary()
      throw .writeFailed(path: path, reason: failure)
    }
    do {
      try Temporary.flush(temporaryPath, for: path)
    } catch {
      removeTemporary()
      throw error
    }
    try Temporary.publish(temporaryPath, as: path)
  }

  private func removeTemporary() { unlink(temporaryPath) }

  /// Writes the waiting rows, the last of the raster or a full row of blocks.
  private func writeBlocks() throws(FormatError) {
    guard let dataset else { preconditionFailure("\(path): rows after the commit") }
    let side = layout.blockSide
    let size = layout.elementType.byteCount
    let row = (rowCount - 1) / side
    let held = rowCount - row * side
    try GDAL.quietly { () throws(FormatError) in
      for number in layout.bands.indices {
        guard let band = GDALGetRasterBand(dataset, Int32(number + 1)) else {
          throw .writeFailed(path: path, reason: GDAL.lastMessage)
        }
        for column in 0..<((layout.width + side - 1) / side) {
          let width = min(side, layout.width - column * side)
          if width < side || held < side { block.initializeMemory(as: UInt8.self, repeating: 0) }
          for line in 0..<held {
            let start = ((number * side + line) * layout.width + column * side) * size
            UnsafeMutableRawBufferPointer(rebasing: block[(line * side * size)...])
              .copyMemory(
                from: UnsafeRawBufferPointer(rebasing: waiting[start...].prefix(width * size)))
          }
          let status = GDALWriteBlock(
            band, Int32(column), Int32(row), block.baseAddress)
          // A failing disk may show by the last error alone.
          guard status == CE_None, CPLGetLastErrorType().rawValue < CE_Failure.rawValue else {
            throw .writeFailed(path: path, reason: GDAL.lastMessage)
          }
        }
      }
    }
  }
}
