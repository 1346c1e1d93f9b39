extension DataCard {
  /// The form of cards that this program reads.
  static let version = 1

  /// Fields of a card.
  package static let table: OptionTable = [
    Option("card", .integer, default: .required, "form of the card, 1"),
    Option("name", .text, default: .required, "as recipes name it; the file's name without .yaml"),
    Option("title", .text, default: .required, "the data set's own name"),
    Option("summary", .text, default: .required, "what was measured or computed, in one sentence"),
    Option("tasks", .list(.name(of: "task")), default: .required, "what it is used for"),
    Option(
      "license",
      .table([
        Option("text", .text, default: .required, "as the publisher states it"),
        Option("url", .text, default: .absent, "where it says so"),
      ]), default: .required, aliases: ["licence"], "what users may do"),
    Option("citation", .text, default: .absent, "whom to cite"),
    Option("homepage", .text, default: .absent, "the publisher's page"),
    Option("size", .text, default: .absent, "how large the whole is, in words"),
    Option("layout", .text, default: .absent, "how the files lie"),
    Option("data", .table(dataTable), default: .absent, "defaults of a recipe's data"),
    Option(
      "statistics",
      .list(
        .table([
          Option("input", .text, default: .required, "which input"),
          Option("channels", .list(.text), default: .required, "bands or fields"),
          Option("means", .list(.number), default: .required, "per channel"),
          Option("stds", .list(.number), default: .required, range: .atLeast(0), "per channel"),
          Option("unit", .text, default: .absent, "of the values; else as stored"),
          Option("source", .text, default: .required, "who computed them, over what"),
        ])), default: [], "published statistics"),
    Option(
      "files",
      .list(
        .table([
          Option("path", .text, default: .required, "below the data set's folder"),
          Option("url", .text, default: .absent, "http, https or file"),
          Option("bytes", .integer, default: .absent, range: .atLeast(0), "size"),
          Option("sha256", .text, default: .absent, "64 hex digits"),
          Option("md5", .text, default: .absent, "32 hex digits, where that is what is published"),
          Option("unpack", .oneOf(["zip"]), default: .absent, "what is done after the download"),
        ])), default: [], "what fetch downloads"),
    Option(
      "terms",
      .table([
        Option("text", .text, default: .required, "what a download needs"),
        Option("url", .text, default: .absent, "where"),
        Option("place", .text, default: .required, "where the files go, under which names"),
      ]), default: .absent, "why fetch cannot download it"),
    Option("notes", .list(.text), default: [], "what a user must know"),
  ]

  /// Fields of a recipe's `data` that a card may give: what the data are, not how a run uses them.
  static let dataTable = OptionTable(
    DataSection.table.options.filter {
      ["format", "inputs", "target", "patch", "n_steps_input", "split"].contains($0.name)
    }.map { option in
      Option(
        option.name, option.type, default: .absent, range: option.range, aliases: option.aliases,
        unit: option.unit, option.sentence)
    })

  /// `data.card` of a recipe: the card to read, or the note of one whose fields are there already.
  static let referenceType = OptionType.either([
    .text,
    .table([
      Option("name", .text, default: .required, "the card's name"),
      Option("license", .text, default: .required, "of the data set"),
      Option("sha256", .text, default: .required, "of the card's text"),
    ]),
  ])
}
