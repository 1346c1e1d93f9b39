/// A whole recipe: one run described completely.
///
/// Components (`Component`, `Deferred`) are decoded later by the tables of those who own them; a part
/// that none of them reads is refused by `Diagnostics.refuseUnread`.
package struct Recipe: Sendable {
  package let name: String
  package let seed: Int
  package let task: String
  package let taskLocation: SourceLocation
  package let model: ModelSection
  /// In folding order; empty where the recipe has no adapter.
  package let adapters: [AdapterEntry]
  /// The data set; with `sources`, the first of them.
  package let data: DataSection
  /// Several data sets in one run; else empty.
  package let sources: [DataSource]
  package let train: TrainSection
  package let evaluation: EvalSection
  package let output: OutputSection
  package let tracking: TrackingSection
  package let distributed: DistributedSection
  /// Nil for training by one party on all data.
  package let federated: FederatedSection?
  package let sweep: SweepSection?
  private let root: Located

  /// Decodes a merged tree; every error is left in `diagnostics`.
  init(_ root: Located, _ diagnostics: Diagnostics) {
    let hasSources = root["data"]?["sources"] != nil
    let table = hasSources ? RecipeTable.multiple : RecipeTable.single
    let reader = OptionReader(root, table, diagnostics)
    /// A missing section has been reported; what follows from that is not.
    func section(_ name: String, _ table: OptionTable) -> (OptionReader, Diagnostics) {
      if let section = reader.optionalTable(name) { return (section, diagnostics) }
      return (absent(name, table), Diagnostics())
    }
    func absent(_ name: String, _ table: OptionTable) -> OptionReader {
      OptionReader(Located(.map([]), at: root.location, path: name), table, Diagnostics())
    }
    self.root = root
    name = reader.text("name")
    seed = reader.int("seed")
    task = reader.text("task")
    taskLocation = reader.value("task")?.location ?? root.location
    model = ModelSection(section("model", ModelSection.table).0)
    adapters = reader.components("adapter").map(AdapterEntry.init)
    let (data, dataDiagnostics) = section("data", DataSection.table)
    sources =
      hasSources
      ? data.tables("sources").map {
        DataSource(
          name: $0.text("name"), weight: $0.number("weight"),
          data: DataSection($0, dataDiagnostics))
      } : []
    if let first = sources.first?.data {
      self.data = first
    } else if hasSources {
      diagnostics.error(
        .rule("no data set is listed", mend: "give one at least"), at: data.location,
        path: "data.sources")
      self.data = DataSection(absent("data", DataSection.table), Diagnostics())
    } else {
      self.data = DataSection(data, dataDiagnostics)
    }
    let (train, trainDiagnostics) = section("train", TrainSection.table)
    self.train = TrainSection(train, trainDiagnostics)
    evaluation = EvalSection(section("eval", EvalSection.table).0)
    output = OutputSection(section("output", OutputSection.table).0)
    tracking = TrackingSection(section("tracking", TrackingSection.table).0)
    distributed = DistributedSection(section("distributed", DistributedSection.table).0)
    federated = reader.optionalTable("federated").map { FederatedSection($0) }
    sweep = root["sweep"].map { SweepSection($0, diagnostics) }
    checkHead(reader, diagnostics)
    checkNames(diagnostics)
  }

  /// Whether base weights not named by an adapter keep their values.
  package var freezesBackbone: Bool {
    model.freezesBackbone ?? adapters.contains { $0.method.name != "none" }
  }

  /// The recipe with every default written out, by what readers left in `diagnostics`.
  package func resolved(by diagnostics: Diagnostics) -> ResolvedRecipe {
    var resolution = diagnostics.resolution
    resolution.set(.boolean(freezesBackbone), for: "freeze_backbone", in: "model")
    resolution.set(.path(output.directory), for: "dir", in: "output")
    for adapter in adapters {
      resolution.set(.text(adapter.name), for: "name", in: adapter.method.path)
    }
    return ResolvedRecipe(resolution.resolved(root))
  }

  private func checkHead(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    if let version = reader.value("version"), reader.int("version") != 1 {
      diagnostics.error(
        .rule(
          "recipes of version \(reader.int("version")) are not known to this program",
          mend: "write version: 1, or use a newer program"), at: version)
    }
    let allowed = #/[A-Za-z0-9_][A-Za-z0-9._+-]*/#
    if let name = reader.value("name"), self.name.wholeMatch(of: allowed) == nil {
      diagnostics.error(
        .rule(
          "\"\(self.name)\" cannot name a folder",
          mend: "use letters, digits, and . _ + - after the first"), at: name)
    }
  }

  private func checkNames(_ diagnostics: Diagnostics) {
    var seen: Set<String> = []
    for adapter in adapters where !seen.insert(adapter.name).inserted {
      diagnostics.error(
        .rule("two adapters are called \(adapter.name)", mend: "give each its own name"),
        at: adapter.method.location, path: adapter.method.path)
    }
    seen = []
    for source in sources where !seen.insert(source.name).inserted {
      diagnostics.error(
        .rule("two sources are called \(source.name)", mend: "give each its own name"),
        at: source.data.format.location, path: "data.sources")
    }
  }
}
