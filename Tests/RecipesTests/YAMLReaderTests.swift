import Recipes
import Testing

@Suite("Reading YAML")
struct YAMLReaderTests {
  @Test(
    "plain scalars follow the YAML 1.2 core schema, with true and false alone as booleans",
    arguments: [
      ("1e-4", PlainValue.number(1e-4)), ("1E5", .number(1e5)), (".5", .number(0.5)),
      ("3.", .number(3)), ("+7", .integer(7)), ("-32768", .integer(-32768)), ("0x1F", .integer(31)),
      ("07_red", .text("07_red")), ("012", .integer(12)), ("1_000", .text("1_000")),
      (".inf", .number(.infinity)), ("-.inf", .number(-.infinity)), ("true", .boolean(true)),
      ("True", .text("True")), ("yes", .text("yes")), ("on", .text("on")), ("~", .null),
      ("null", .null), ("'1'", .text("1")), ("\"true\"", .text("true")), ("1.2.3", .text("1.2.3")),
      ("e5", .text("e5")), ("2020-01-01", .text("2020-01-01")), ("!!str 5", .text("5")),
      ("99999999999999999999", .number(1e20)),
    ])
  func scalar(text: String, expected: PlainValue) {
    let diagnostics = Diagnostics()
    #expect(located("a: \(text)", diagnostics)["a"]?.plain == expected)
    #expect(diagnostics.errors.isEmpty)
  }

  @Test("each value knows line, column and path")
  func places() throws {
    let root = located("a:\n  - b\n  - {c.d: 1}\n", Diagnostics())
    let inner = try #require(root["a"]?.elements.last?["c.d"])
    #expect(inner.path == "a.1.\"c.d\"")
    #expect(inner.location.description == "part.yaml:3:11")
    #expect(DottedPath.keys(of: inner.path) == ["a", "1", "c.d"])
  }

  @Test("aliases are expanded")
  func aliases() {
    let diagnostics = Diagnostics()
    let root = located("a: &x {b: 1}\nc: *x\n", diagnostics)
    #expect(root["c"]?.plain == ["b": 1])
    #expect(root["c"]?["b"]?.path == "c.b")
    #expect(diagnostics.errors.isEmpty)
  }

  @Test("a small text that would expand without bound is refused")
  func aliasBomb() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let row = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(row)]\n"
    }
    let diagnostics = Diagnostics()
    _ = located(text, diagnostics)
    #expect(diagnostics.errors.count == 1)
    #expect(
      diagnostics.errors.first?.description.hasSuffix(
        "more than 100000 values after expanding aliases; write less, or without aliases") == true)
  }

  @Test("deep nesting is refused")
  func depth() {
    let diagnostics = Diagnostics()
    _ = located(
      "a: " + String(repeating: "[", count: 70) + String(repeating: "]", count: 70), diagnostics)
    #expect(
      diagnostics.errors.first?.description.hasSuffix(
        "nested deeper than 64 levels; recipes need fewer") == true)
    let absurd = Diagnostics()
    _ = located(String(repeating: "[", count: 100_000), absurd)
    #expect(absurd.errors.count == 1)
  }

  @Test("an empty text, a second document and an unknown alias are errors")
  func malformed() {
    #expect(messages("") == ["recipe.yaml:1:1: expected a map of sections, found nothing"])
    #expect(messages("a: 1\n---\nb: 2").first?.contains("but found another document") == true)
    #expect(messages("a: *x") == ["recipe.yaml:1:4: not YAML: found undefined alias"])
  }
}
