import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

/// Every raster, picture, MATLAB file and HDF5 file beside the project gives the values that rasterio,
/// Pillow, scipy and h5py read from it (`Golden/make_file_digests.py`).
@Suite("Values of shared files", .enabled(if: Shared.isPresent, "../shared is absent"))
struct FileDigestTests {
  private struct Stored: Decodable {
    /// Of the rasters and pictures of each folder.
    let folders: [String: String]
    /// Of each variable of the other files.
    let files: [String: [String: String]]
  }

  private static let stored =
    (try? GoldenFiles.stored("file_digests.json", as: Stored.self))
    ?? Stored(folders: [:], files: [:])

  private func digest(_ shape: [Int], _ values: [Float]) -> String {
    var bytes = Data(shape.map(String.init).joined(separator: "x").utf8)
    values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return SHA256Digest.of(bytes)
  }

  private func digest(_ file: PixelFile) throws -> String {
    let whole = RasterFile.Window(column: 0, row: 0, width: file.width, height: file.height)
    let values = try file.read(bands: Array(file.bands.indices), in: whole)
    return digest(values.shape, values.elements(as: Float.self))
  }

  @Test("nothing is left out")
  func complete() {
    #expect(Self.stored.folders.count == 62 && Self.stored.files.count == 41)
  }

  @Test("rasters and pictures", arguments: stored.folders.keys.sorted())
  func rasters(folder: String) throws {
    let path = Shared.path(folder)
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    let lines = try names.compactMap { name -> String? in
      let file = path + "/" + name
      if name.hasSuffix(".png") { return "\(name) \(try digest(.png(path: file)))" }
      let isENVI = FileManager.default.fileExists(atPath: file + ".hdr")
      guard name.hasSuffix(".tif") || isENVI else { return nil }
      return "\(name) \(try digest(.raster(path: file)))"
    }
    let joined = lines.sorted().joined(separator: "\n")
    #expect(SHA256Digest.of(joined) == Self.stored.folders[folder], "\(joined.prefix(2000))")
  }

  @Test("variables of MATLAB and HDF5 files", arguments: stored.files.keys.sorted())
  func variables(file: String) throws {
    let path = Shared.path(file)
    let expected = Self.stored.files[file] ?? [:]
    if case .v5 = try MATVersion.ofFile(path) {
      let content = try MATFile(path: path)
      for (name, digest) in expected {
        let shape = try #require(content[name]).shape
        #expect(self.digest(shape, try content.floats(name).elements) == digest, "\(name)")
      }
      return
    }
    let content = try HDF5File(reading: path)
    for (name, digest) in expected {
      let dataset = try content.dataset(name)
      #expect(self.digest(dataset.shape, try dataset.readFloats()) == digest, "\(name)")
    }
  }
}
