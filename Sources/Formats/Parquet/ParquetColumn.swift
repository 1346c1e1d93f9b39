import Synchronization

/// A column of bytes or text of a Parquet file: any row on demand.
///
/// Places of the pages are held; decoded ones are kept as `ParquetPageCache` has room, since rows of a
/// page are decoded together. May be used from any thread.
package final class ParquetColumn: Sendable {
  private struct Page: Sendable {
    let page: ParquetPage
    /// Of the whole file.
    let firstRow: Int
    /// In `dictionaries`.
    let dictionary: Int?
    let codec: ParquetCodec
  }

  package let name: String
  /// Most bytes of all texts of a column.
  private static let largestTexts = 1 << 28
  private let file: ParquetFile
  private let isOptional: Bool
  private let pages: [Page]
  private let dictionaries: [(page: ParquetPage, codec: ParquetCodec)]
  private let cacheNumber = ParquetPageCache.newColumn()
  /// One page is decoded at a time, since it may be large.
  private let decoding = Mutex(())

  package var count: Int { file.rowCount }

  /// Follows the headers of all pages.
  init(
    _ file: ParquetFile, _ name: String, _ chunks: [ParquetFile.Chunk], isOptional: Bool
  ) throws(FormatError) {
    self.file = file
    self.name = name
    self.isOptional = isOptional
    var pages: [Page] = []
    var dictionaries: [(page: ParquetPage, codec: ParquetCodec)] = []
    var row = 0
    for chunk in chunks {
      guard let codec = ParquetCodec(rawValue: chunk.codec) else {
        let names = ParquetCodec.names
        let codec =
          names.indices.contains(chunk.codec) ? names[chunk.codec] : "number \(chunk.codec)"
        throw .unsupported(
          path: file.path, what: "compression \(codec) of column '\(name)'",
          remedy: "Write the file with zstd, snappy or none.")
      }
      let end = row + chunk.rowCount
      var dictionary: Int?
      do {
        try file.file.withBytes(in: chunk.range) { (bytes) throws(ParquetDamage) in
          var cursor = ByteCursor(bytes)
          while cursor.remaining > 0 {
            guard let page = try ParquetPage.read(&cursor, offset: chunk.range.lowerBound) else {
              continue
            }
            if page.kind == .dictionary {
              guard dictionary == nil else { throw ParquetDamage("it has two dictionaries") }
              dictionary = dictionaries.count
              dictionaries.append((page, codec))
              continue
            }
            guard page.count <= end - row else { throw ParquetDamage("it has too many values") }
            pages.append(Page(page: page, firstRow: row, dictionary: dictionary, codec: codec))
            row += page.count
          }
        }
      } catch {
        throw Self.malformed(file.path, name, error)
      }
      guard row == end, chunk.valueCount == chunk.rowCount else {
        throw Self.malformed(file.path, name, ParquetDamage("it has too few values"))
      }
    }
    guard row == file.rowCount else {
      throw Self.malformed(file.path, name, ParquetDamage("it is not in every group of rows"))
    }
    self.pages = pages
    self.dictionaries = dictionaries
  }

  /// The bytes in a row, counted from 0; nil where there is no value.
  ///
  /// - Throws: `FormatError.malformed`.
  package func value(_ row: Int) throws(FormatError) -> [UInt8]? {
    precondition((0..<count).contains(row), "row \(row) of \(count) in \(file.path)")
    // The last page that begins at the row or before, past empty ones.
    var (low, high) = (0, pages.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if pages[middle].firstRow <= row { low = middle } else { high = middle }
    }
    let content = try content(low)
    return content.cells[row - pages[low].firstRow].map { Array(content.bytes[$0]) }
  }

  /// All rows as text; for columns of short values.
  ///
  /// - Throws: `FormatError.malformed`, `.unsupported` where the values are no short ones.
  package func texts() throws(FormatError) -> [String?] {
    var texts: [String?] = []
    texts.reserveCapacity(count)
    var size = 0
    for number in pages.indices {
      let content = try content(number)
      // Few bytes of a dictionary can stand for many.
      size = content.cells.reduce(size) { $0 + ($1?.count ?? 0) }
      guard size <= Self.largestTexts else {
        throw .unsupported(
          path: file.path, what: "column '\(name)' with \(size) bytes of text",
          remedy: "Take a file with shorter texts.")
      }
      for cell in content.cells {
        texts.append(cell.map { String(decoding: content.bytes[$0], as: UTF8.self) })
      }
    }
    return texts
  }

  deinit { ParquetPageCache.remove(column: cacheNumber) }

  private func content(_ number: Int) throws(FormatError) -> ParquetPage.Content {
    let key = ParquetPageCache.Key(column: cacheNumber, isDictionary: false, number: number)
    if let kept = ParquetPageCache[key] { return kept }
    return try decoding.withLock { (_) throws(FormatError) in
      // Another thread may have been first.
      if let kept = ParquetPageCache[key] { return kept }
      let page = pages[number]
      let dictionary = try page.dictionary.map(dictionary)
      return try decode(page.page, key) { (bytes) throws(ParquetDamage) in
        try page.page.content(bytes, page.codec, isOptional: isOptional, dictionary: dictionary)
      }
    }
  }

  private func dictionary(_ number: Int) throws(FormatError) -> ParquetPage.Content {
    let key = ParquetPageCache.Key(column: cacheNumber, isDictionary: true, number: number)
    if let kept = ParquetPageCache[key] { return kept }
    let (page, codec) = dictionaries[number]
    return try decode(page, key) { (bytes) throws(ParquetDamage) in
      try page.dictionary(bytes, codec)
    }
  }

  private func decode(
    _ page: ParquetPage, _ key: ParquetPageCache.Key,
    _ body: (UnsafeRawBufferPointer) throws(ParquetDamage) -> ParquetPage.Content
  ) throws(FormatError) -> ParquetPage.Content {
    let content: ParquetPage.Content
    do {
      content = try file.file.withBytes(in: page.range, body)
    } catch {
      throw Self.malformed(file.path, name, error)
    }
    ParquetPageCache.insert(content, key)
    return content
  }

  private static func malformed(
    _ path: String, _ name: String, _ damage: ParquetDamage
  ) -> FormatError {
    .malformed(path: path, format: "Parquet", reason: "column '\(name)': \(damage.reason)")
  }
}
