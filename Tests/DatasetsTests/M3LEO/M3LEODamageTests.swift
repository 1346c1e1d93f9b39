import Datasets
import Foundation
import Formats
import TestSupport
import Testing

/// What a file that is cut off gives: the same values, or an error that names the file.
@Suite("M3LEO damaged chips")
struct M3LEODamageTests {
  let chips: M3LEOChips

  init() throws { chips = try M3LEOChips() }

  /// Reads the first `count` bytes of a file, from the disk and from memory, and checks what comes.
  private func check(
    _ component: M3LEOComponent, _ bytes: Data, count: Int, suffix: String, whole: [Float]
  ) throws -> (atOpen: Int, later: Int) {
    let path = chips.folder.path("cut.\(suffix)")
    let part = bytes.prefix(count)
    try part.write(to: URL(filePath: path))
    var failures = (atOpen: 0, later: 0)
    let memory = "shard.parquet/cut.\(suffix)"
    for chip in [ChipFile(path: path), ChipFile(path: memory, content: { Array(part) })] {
      var isOpen = false
      do {
        let file = try component.open(chip)
        isOpen = true
        let values = try file.values()
        #expect(values.map(\.bitPattern) == whole.map(\.bitPattern), "\(count) bytes")
      } catch let error as FormatError {
        #expect(error.description.hasPrefix(chip.path), "\(error)")
        #expect(error.category == .invalidData, "\(error)")
        if isOpen { failures.later += 1 } else { failures.atOpen += 1 }
      }
    }
    return failures
  }

  @Test("a GeoTIFF cut anywhere is refused when opened or read, or gives its values")
  func geoTIFF() throws {
    let component = try #require(M3LEOComponent(folder: "s2rgbm-2020"))
    let bands = try #require(component.expectedBands)
    let path = chips.folder.path("whole.tif")
    let layout = RasterLayout(width: 64, height: 64, elementType: .uint8, bands: bands)
    let writer = try RasterWriter(path: path, layout: layout)
    var state: UInt32 = 1
    let values = (0..<(64 * 64 * bands.count)).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    try writer.append(values)
    try writer.commit()
    let bytes = try Data(contentsOf: URL(filePath: path))
    let whole = try component.open(path).values()
    #expect(whole == values.map(Float.init))
    var failures = (atOpen: 0, later: 0)
    for step in 0..<40 {
      let found = try check(
        component, bytes, count: bytes.count * step / 40, suffix: "tif", whole: whole)
      failures.atOpen += found.atOpen
      failures.later += found.later
    }
    // Every cut falls into the blocks or the directory.
    #expect(failures.atOpen + failures.later == 80 && failures.atOpen >= 2)
    #expect(failures.later > 20)
  }

  @Test("a NetCDF file cut anywhere is refused") func netCDF() throws {
    let component = try #require(M3LEOComponent(folder: "gssic"))
    let path = PackageFolder.url("Tests/DatasetsTests/Golden/gssic.nc").path
    let bytes = try Data(contentsOf: URL(filePath: path))
    let whole = try component.open(path).values()
    for step in 0..<40 {
      let found = try check(
        component, bytes, count: bytes.count * step / 40, suffix: "nc", whole: whole)
      #expect(found == (atOpen: 2, later: 0))
    }
  }

  @Test("a file of another kind, or an empty one, is refused by name") func foreign() throws {
    for name in ["a.tif", "a.nc"] {
      for text in ["", "COULD_NOT_GET_CHIP"] {
        let path = try chips.folder.write(text, to: name)
        let component = try #require(
          M3LEOComponent(folder: name == "a.nc" ? "gssic" : "s1grd-2020"))
        let error = #expect(throws: FormatError.self) { try component.open(path) }
        #expect(error?.description.hasPrefix(path) == true)
        let content: @Sendable () throws -> [UInt8] = { Array(text.utf8) }
        #expect(throws: FormatError.self) {
          try component.open(ChipFile(path: "shard/" + name, content: content))
        }
      }
    }
  }

  @Test("a chip reads the same from memory as from the disk") func memory() throws {
    let golden = PackageFolder.url("Tests/DatasetsTests/Golden/gssic.nc").path
    for (folder, path) in [("gssic", golden), ("s1grd-2020", try chips.s1grd())] {
      let component = try #require(M3LEOComponent(folder: folder))
      let bytes = try Data(contentsOf: URL(filePath: path))
      let name = "x/" + (path as NSString).lastPathComponent
      let file = try component.open(path)
      let copy = try component.open(ChipFile(path: name) { Array(bytes) })
      #expect(copy.bands == file.bands && copy.geoReference == file.geoReference)
      #expect(try copy.values().map(\.bitPattern) == file.values().map(\.bitPattern))
    }
  }
}
