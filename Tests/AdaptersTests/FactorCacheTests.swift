import Adapters
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Factor cache")
struct FactorCacheTests {
  private let matrix = FiniteDifferences.values([12, 20], seed: 3).cast(to: .f32)

  @Test("reads what it wrote, bit for bit, and tells matrices apart by content")
  func keeps() throws {
    let folder = try TemporaryDirectory()
    let cache = FactorCache(folder: folder.path("factors"), least: 8)
    let first = cache.singularValues(of: matrix)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("factors"))
    #expect(names.count == 1)
    let again = cache.singularValues(of: matrix)
    #expect(again.left.doubles == first.left.doubles)
    #expect(again.values.doubles == first.values.doubles)
    #expect(again.right.doubles == first.right.doubles)
    #expect(first.left.doubles == matrix.singularValues().left.doubles)
    _ = cache.singularValues(of: matrix.scaled(by: 2))
    _ = cache.singularValues(of: matrix.permuted([1, 0]))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("factors")).count == 3)
  }

  @Test("takes the factors of the file, and computes anew where it is broken")
  func broken() throws {
    let folder = try TemporaryDirectory()
    let cache = FactorCache(folder: folder.path("factors"), least: 8)
    let first = cache.singularValues(of: matrix)
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder.path("factors")).first)
    let path = folder.path("factors/" + name)
    let written = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    _ = cache.singularValues(of: matrix)
    let read = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    #expect(written == read, "not written again")
    try Data("broken".utf8).write(to: URL(filePath: path))
    #expect(cache.singularValues(of: matrix).values.doubles == first.values.doubles)
  }

  @Test("leaves small matrices alone, and works where nothing can be written")
  func small() throws {
    let folder = try TemporaryDirectory()
    _ = FactorCache(folder: folder.path("factors")).singularValues(of: matrix)
    #expect(!FileManager.default.fileExists(atPath: folder.path("factors")))
    try Data().write(to: URL(filePath: folder.path("file")))
    let blocked = FactorCache(folder: folder.path("file/factors"), least: 8)
    #expect(blocked.singularValues(of: matrix).values.elementCount == 12)
  }
}
