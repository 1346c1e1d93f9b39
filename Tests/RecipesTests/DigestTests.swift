import Foundation
import Recipes
import Testing

@Suite("Digests of files")
struct DigestTests {
  @Test("agree with known SHA-256 values")
  func known() throws {
    // FIPS 180-2, appendix B.
    #expect(
      SHA256Digest.of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    try withTemporaryFolder { folder in
      let file = folder + "/a.bin"
      try Data(repeating: 0x61, count: 1_000_000).write(to: URL(fileURLWithPath: file))
      #expect(
        try SHA256Digest.ofFile(file)
          == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
    #expect(throws: RecipeError.self) { try SHA256Digest.ofFile("/nowhere") }
  }

  @Test("of samples see what changes a sample, not how samples are served")
  func samples() {
    func digest(_ data: PlainValue) -> String {
      ResolvedRecipe(.map([.init("data", data), .init("seed", 1)]))
        .sampleDigest { field, path in "\(field) at \(path)" }
    }
    func single(_ fields: [PlainValue.Field], root: String = "a") -> PlainValue {
      .map([.init("root", .path(root)), .init("n_steps_input", 2)] + fields)
    }
    let original = digest(single([]))
    let serving = single([
      .init("batch_size", 8), .init("sampler", "shuffle"), .init("cache", "none"),
    ])
    #expect(digest(serving) == original)
    #expect(digest(single([.init("window_stride", 2)])) != original)
    #expect(digest(single([], root: "b")) != original)
    func several(_ names: [String]) -> PlainValue {
      .map([
        .init(
          "sources", .list(names.map { single([.init("name", .text($0)), .init("weight", 2)]) }))
      ])
    }
    #expect(digest(several(["a", "b"])) == digest(several(["c", "d"])))
    #expect(digest(several(["a"])) != digest(several(["a", "b"])))
  }

  @Test("ends see size, first and last bytes, not the middle")
  func ends() throws {
    try withTemporaryFolder { folder in
      func digest(_ bytes: Data) throws -> String {
        let file = folder + "/ends.bin"
        try bytes.write(to: URL(fileURLWithPath: file))
        return try SHA256Digest.ofEnds(of: file)
      }
      let bytes = Data(repeating: 1, count: 300_000)
      var middle = bytes
      middle[150_000] = 2
      var last = bytes
      last[299_999] = 2
      let original = try digest(bytes)
      #expect(try digest(middle) == original)
      #expect(try digest(last) != original)
      #expect(try digest(Data(repeating: 1, count: 300_001)) != original)
    }
  }

  @Test("a manifest does not depend on the order of names, and names what changed")
  func manifest() throws {
    try withTemporaryFolder { folder in
      for name in ["a", "b"] {
        try name.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
      }
      let cache = FileDigestCache()
      let manifest = try cache.manifest(of: ["b", "a"], root: folder)
      #expect(manifest.files.map(\.name) == ["a", "b"])
      #expect(manifest.files.map(\.bytes) == [1, 1])
      #expect(try cache.manifest(of: ["a", "b"], root: folder).digest == manifest.digest)
      try "longer".write(toFile: folder + "/b", atomically: true, encoding: .utf8)
      let changed = try cache.manifest(of: ["a", "b"], root: folder)
      #expect(changed.digest != manifest.digest)
      #expect(changed.changes(since: manifest) == ["b"])
      let error = #expect(throws: RecipeError.self) {
        try cache.manifest(of: ["c"], root: folder)
      }
      #expect(error?.exitCode == .inputMissing)
    }
  }

  @Test("a file's own digest is kept as those of a manifest are")
  func digestOfFile() throws {
    try withTemporaryFolder { folder in
      let (file, store) = (folder + "/a", folder + "/digests.json")
      try "one".write(toFile: file, atomically: true, encoding: .utf8)
      Thread.sleep(forTimeInterval: 3.1)
      let cache = FileDigestCache()
      #expect(try cache.digest(of: file) == SHA256Digest.of(Data("one".utf8)))
      #expect(cache.hasChanged)
      try cache.write(to: store)
      let read = FileDigestCache(file: store)
      #expect(try read.digest(of: file) == SHA256Digest.of(Data("one".utf8)))
      #expect(try read.manifest(of: ["a"], root: folder).files.first?.bytes == 3)
      #expect(!read.hasChanged)
      try "two".write(toFile: file, atomically: true, encoding: .utf8)
      #expect(try read.digest(of: file) == SHA256Digest.of(Data("two".utf8)))
      let error = #expect(throws: RecipeError.self) { try read.digest(of: folder + "/b") }
      #expect(error?.exitCode == .inputMissing)
    }
  }

  @Test("the cache is asked while path, size and times agree")
  func cache() throws {
    try withTemporaryFolder { folder in
      let (file, store) = (folder + "/a", folder + "/digests.json")
      let time = Date(timeIntervalSince1970: 1_700_000_000)
      func write(_ text: String) throws {
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: file)
      }
      try write("one")
      let fresh = FileDigestCache()
      let first = try fresh.manifest(of: ["a"], root: folder)
      // Just written: it may be written once more at the same time.
      #expect(!fresh.hasChanged)
      Thread.sleep(forTimeInterval: 3.1)
      let cache = FileDigestCache()
      #expect(try cache.manifest(of: ["a"], root: folder) == first)
      #expect(cache.hasChanged)
      try cache.write(to: store)
      let read = FileDigestCache(file: store)
      #expect(try read.manifest(of: ["a"], root: folder) == first)
      #expect(!read.hasChanged)
      #expect(try read.manifest(of: ["a"], root: folder, method: .ends) != first)
      // Other bytes under the same size and date.
      try write("two")
      #expect(try read.manifest(of: ["a"], root: folder) != first)
      let none = FileDigestCache(file: folder + "/missing.json")
      #expect(try none.manifest(of: ["a"], root: folder) != first)
    }
  }
}
