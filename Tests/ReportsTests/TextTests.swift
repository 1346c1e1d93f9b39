import Reports
import Testing

@Suite struct NumberTests {
  @Test(
    "a number has about three significant digits",
    arguments: [
      (0.021_44, "0.0214"), (2.163, "2.16"), (1234.6, "1235"), (67_456, "67,456"),
      (0.000_012_3, "1.23e-5"), (-0.5, "−0.500"), (0, "0"), (-0.000_4, "−0.000400"),
      (4.2e12, "4.20e12"), (0.999_96, "1.00"),
    ])
  func significant(value: Double, text: String) { #expect(Numbers.significant(value) == text) }

  @Test("what is not finite is said in words")
  func nonFinite() {
    #expect(Numbers.significant(.nan) == "not a number")
    #expect(Numbers.significant(-.infinity) == "−∞")
  }

  @Test(
    "an estimate has as many decimals as its interval deserves",
    arguments: [
      (0.021_41, 0.020_11, 0.022_72, "0.0214 [0.0201, 0.0227]"),
      (2.1612, 2.0511, 2.2607, "2.16 [2.05, 2.26]"),
      (-0.001_21, -0.001_72, -0.000_63, "−0.0012 [−0.0017, −0.0006]"),
      (123.4, 101.2, 148.9, "123 [101, 149]"),
      (1, 1, 1, "1.00 [1.00, 1.00]"),
    ])
  func estimate(value: Double, lower: Double, upper: Double, text: String) {
    #expect(Numbers.estimate(value, lower, upper) == text)
  }

  @Test("an estimate without an interval is a number")
  func bare() { #expect(Numbers.estimate(0.5, nil, 0.7) == "0.500") }

  @Test("mean and spread over seeds")
  func spread() {
    #expect(Numbers.meanAndSpread([1, 2, 3]) == "2.0 ± 1.0")
    #expect(Numbers.meanAndSpread([0.13, 0.13]) == "0.130 ± 0")
    #expect(Numbers.meanAndSpread([0.02]) == "0.0200")
    #expect(Numbers.meanAndSpread([]) == "")
  }

  @Test("sizes, times and shares")
  func units() {
    #expect(Numbers.bytes(512) == "512 B")
    #expect(Numbers.bytes(1_500_000) == "1.4 MiB")
    #expect(Numbers.duration(7.24) == "7.2 s")
    #expect(Numbers.duration(184) == "3 min 4 s")
    #expect(Numbers.duration(7300) == "2 h 1 min")
    #expect(Numbers.percent(0.2141) == "21 %")
    #expect(Numbers.percent(0.0043) == "0.43 %")
    #expect(Numbers.percent(1) == "100 %")
  }
}

@Suite struct PathGroupTests {
  @Test("sixty paths become a few lines")
  func folding() {
    let parts = ["attn.q", "attn.k", "attn.v", "mlp.fc1", "mlp.fc2"]
    let paths = (0..<12).flatMap { block in parts.map { "blocks.\(block).\($0)" } }
    let groups = PathGroups.grouped(paths)
    #expect(groups.map(\.pattern) == parts.map { "blocks.0–11.\($0)" })
    #expect(groups.allSatisfy { $0.count == 12 })
  }

  @Test("gaps are kept and single paths left alone")
  func gaps() {
    let groups = PathGroups.grouped(["a.0.w", "a.1.w", "a.5.w", "pos_embed"])
    #expect(groups.map(\.pattern) == ["a.0–1,5.w", "pos_embed"])
    #expect(groups.map(\.count) == [3, 1])
  }
}

@Suite struct RecipeSettingsTests {
  private let recipe = """
    version: 1
    name: 'a: b'
    data:
      transforms:
        - name: random-crop
          size: 64
        - horizontal-flip
    train:
      lr: 1e-2
      betas: [0.9, 0.999]
    output:
      dir: /somewhere
    seed: 0

    """

  private func settings(_ yaml: String) throws -> [String: String] {
    try RecipeSettings.flattened(yaml, of: "a test")
  }

  @Test("fields become dotted keys")
  func keys() throws {
    #expect(
      try settings(recipe) == [
        "version": "1", "name": "a: b", "data.transforms.0.name": "random-crop",
        "data.transforms.0.size": "64", "data.transforms.1": "horizontal-flip",
        "train.lr": "0.01", "train.betas": "[0.9, 0.999]", "output.dir": "/somewhere", "seed": "0",
      ])
  }

  @Test("only what differs is named, an absent key too, but not where a run writes")
  func differences() throws {
    let other = recipe.replacing("      size: 64\n", with: "").replacing("seed: 0", with: "seed: 1")
      .replacing("/somewhere", with: "/elsewhere")
    let found = RecipeSettings.differences([try settings(recipe), try settings(other)])
    #expect(found.map(\.key) == ["data.transforms.0.size", "seed"])
    #expect(found.map(\.values) == [["64", "—"], ["0", "1"]])
  }

  @Test("what is not a recipe is refused with its place")
  func refused() throws {
    let error = try #require(throws: ReportError.self) { try settings("a: [1") }
    #expect(error.description.hasPrefix("a test: cannot be read"))
  }
}

@Suite struct EscapeTests {
  @Test("markup in HTML is text")
  func html() {
    #expect(
      Escape.html("<b a=\"1\" c='2'>&</b>")
        == "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;&lt;/b&gt;")
  }

  @Test(
    "markup in Markdown is text, and names and intervals stay readable",
    arguments: [
      ("VRMSE_rollout 0.2 [0.1, 0.3]", "VRMSE_rollout 0.2 [0.1, 0.3]"),
      ("_a_ *b* `c`", "\\_a\\_ \\*b\\* \\`c\\`"),
      ("[x](http://y)", "[x\\](http://y)"),
      ("a|b <script>", "a\\|b \\<script>"),
      ("two\nlines", "two lines"),
    ])
  func markdown(text: String, expected: String) { #expect(Escape.markdown(text) == expected) }

  @Test(
    "a line does not become a heading, a list or a quotation",
    arguments: [
      ("# a", "\\# a"), ("- a", "\\- a"), ("1. a", "1\\. a"), ("> a", "\\> a"), ("0.5 a", "0.5 a"),
    ])
  func lines(text: String, expected: String) { #expect(Escape.markdownLine(text) == expected) }

  @Test("code may hold backticks and bars")
  func code() {
    #expect(Escape.markdownCode("a.b") == "`a.b`")
    #expect(Escape.markdownCode("a`b|c") == "`` a`b\\|c ``")
  }
}
