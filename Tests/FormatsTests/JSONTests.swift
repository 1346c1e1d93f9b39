import Foundation
import Formats
import TestSupport
import Testing

@Suite("JSON") struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue {
    try Array(text.utf8).withUnsafeBytes { try JSONValue(parsing: $0, path: "test.json") }
  }

  @Test("keeps the order of keys and tells integers from other numbers") func parses() throws {
    let value = try parse(
      #" {"b": [1, -2, 1.0, 1e-5, 9223372036854775807, 9223372036854775808], "a": {"x": null}} "#)
    let object = try #require(value.object)
    #expect(object.keys == ["b", "a"])
    #expect(
      object["b"]
        == .array([
          .integer(1), .integer(-2), .number(1), .number(1e-5), .integer(.max), .number(0x1p63),
        ]))
    #expect(object["a"]?.object?["x"]?.isNull == true)
  }

  @Test("reads escapes, pairs of surrogates and other scripts") func strings() throws {
    #expect(try parse(#""a\n\"\\\/\u00e9\ud83d\ude00é""#) == .string("a\n\"\\/é😀é"))
  }

  @Test(
    "refuses what RFC 8259 does not allow, and keys that occur twice",
    arguments: [
      "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", "+1", ".5", "1e", "nul", "\"a",
      "\"\\x\"", "\"\\ud800\"", "\"\\u12\"", "\"\t\"", "[1] 2", "{\"a\":1,\"a\":1}", "\u{FEFF}1",
      "1e999", "NaN",
    ])
  func refuses(text: String) {
    let error = #expect(throws: FormatError.self) { try parse(text) }
    #expect(error?.category == .invalidData)
  }

  @Test("refuses invalid UTF-8 and a hundred thousand brackets") func hostile() {
    #expect(throws: FormatError.self) {
      try [0x22, 0xFF, 0x22].withUnsafeBytes { try JSONValue(parsing: $0, path: "x") }
    }
    #expect(throws: FormatError.self) { try parse(String(repeating: "[", count: 100_000)) }
  }

  @Test("tells line and column") func position() {
    let error = #expect(throws: FormatError.self) { try parse("{\n  \"a\": 1,\n  \"a\": 2}") }
    #expect(error?.description.contains("line 3, column 3: key 'a' occurs twice") == true)
  }

  @Test("writes on one line in order, and sorted as Python does") func writes() {
    let value: JSONValue = [
      "b": [1, 2.0, 1e-5, true, nil], "a": ["é\u{1}": "\"x\"\n"], "empty": [], "none": [:],
    ]
    #expect(
      value.compactText
        == #"{"b":[1,2.0,1e-05,true,null],"a":{"é\u0001":"\"x\"\n"},"empty":[],"none":{}}"#)
    #expect(
      value.sortedText == """
        {
          "a": {
            "\\u00e9\\u0001": "\\"x\\"\\n"
          },
          "b": [
            1,
            2.0,
            1e-05,
            true,
            null
          ],
          "empty": [],
          "none": {}
        }
        """)
  }

  @Test(
    "writes what PEFT wrote, byte for byte", .enabled(if: Shared.isPresent, "../shared is absent"))
  func publishedConfigurations() throws {
    let root = Shared.path("fixtures/peft")
    let files = try #require(FileManager.default.enumerator(atPath: root))
    var count = 0
    for case let name as String in files where name.hasSuffix("/adapter_config.json") {
      let path = root + "/" + name
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(try JSONValue(contentsOf: path).sortedText == text)
      count += 1
    }
    #expect(count > 50)
  }
}
