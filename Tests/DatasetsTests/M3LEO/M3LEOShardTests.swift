import Datasets
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

@Suite("M3LEO shards")
struct M3LEOShardTests {
  private let path = PackageFolder.url("Tests/DatasetsTests/Golden/shard.parquet").path

  private func component(_ folder: String) throws -> M3LEOComponent {
    try #require(M3LEOComponent(folder: folder))
  }

  @Test("chips are read from a shard as from files of their own") func chips() throws {
    let shard = try M3LEOShard(path: path)
    #expect(shard.rows.map(\.fileName) == ["0a.tif", "0a.nc", "0b.nc", "0c.skipped"])
    let gssic = try component("gssic")
    let rows = shard.rows(of: gssic)
    #expect(rows.map(\.fileName) == ["0a.nc", "0b.nc", "0c.skipped"])
    let own = try gssic.open(PackageFolder.url("Tests/DatasetsTests/Golden/gssic.nc").path)
    let packed = try gssic.open(shard.file(rows[0]))
    #expect(packed.bands == own.bands && packed.geoReference == own.geoReference)
    #expect(try packed.values().map(\.bitPattern) == own.values().map(\.bitPattern))
    #expect(packed.path == "\(path)/0a.nc")
    let selection = try #require(
      M3LEOChips.selection("s1grd-2020", "pols: [vv, vh, vv-vh], directions: asc").selection)
    let backscatter = try selection.open(
      shard.file(try #require(shard.rows(of: component("s1grd-2020")).first)))
    #expect(try backscatter.values("winter_vvasc") == [-10, -9, -8, -7, -6, -5])
    #expect(try backscatter.values("winter_vvasc - winter_vhasc") == Array(repeating: 20, count: 6))
    #expect(backscatter.geoReference.transform?[0] == 7)
  }

  @Test("a damaged chip is named with its shard") func damaged() throws {
    let shard = try M3LEOShard(path: path)
    let error = #expect(throws: FormatError.self) {
      try component("gssic").open(shard.file(shard.rows[2]))
    }
    #expect(error?.description.hasPrefix("\(path)/0b.nc: not a valid HDF5 file") == true)
  }

  @Test("a Parquet file of something else is no shard") func foreign() {
    let other = PackageFolder.url("Tests/DatasetsTests/Golden/gssic.nc").path
    #expect(throws: FormatError.self) { try M3LEOShard(path: other) }
    #expect(throws: FormatError.fileMissing(path: "/nowhere.parquet")) {
      try M3LEOShard(path: "/nowhere.parquet")
    }
  }
}
