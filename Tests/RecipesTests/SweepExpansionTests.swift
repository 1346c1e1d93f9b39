import Recipes
import Testing

@Suite("A sweep")
struct SweepExpansionTests {
  private func members(_ sweep: String) throws -> (members: [SweepMember], messages: [String]) {
    let loaded = try loaded(minimalRecipe + "\nsweep:\n" + sweep)
    let members = loaded.recipe.sweep?.members(loaded.diagnostics) ?? []
    return (members, loaded.messages)
  }

  @Test("is the product of axes in file order, tied values and seeds")
  func product() throws {
    let (members, messages) = try members(
      """
        train.optimizer.lr: [1e-2, 1e-3]
        tied: [{adapter.r: 4, adapter.alpha: 8}, {adapter.r: 8, adapter.alpha: 16}]
        seeds: [0, 1, 2]
      """)
    #expect(messages.isEmpty)
    #expect(members.count == 12)
    #expect(members[0].label == "lr=0.01 r=4 alpha=8 seed=0")
    #expect(members[1].label == "lr=0.01 r=4 alpha=8 seed=1")
    #expect(members[11].label == "lr=0.001 r=8 alpha=16 seed=2")
    #expect(
      members[11].changes.map(\.text) == [
        "train.optimizer.lr=0.001", "adapter.r=8", "adapter.alpha=16", "seed=2", "~sweep",
      ])
  }

  @Test("gives each member's recipe its values, and no sweep")
  func recipes() throws {
    let text =
      minimalRecipe
        + """

        sweep:
          train.optimizer: [{name: adamw, lr: 1e-2}, {name: sgd, lr: 0.1}]
          seeds: [5]
        """
    let members = try members(
      "  train.optimizer: [{name: adamw, lr: 1e-2}, {name: sgd, lr: 0.1}]\n  seeds: [5]")
    #expect(members.members.map(\.label) == ["optimizer=adamw seed=5", "optimizer=sgd seed=5"])
    let changed = try loaded(text, overrides: members.members[1].changes.map(\.text))
    #expect(changed.messages.isEmpty)
    #expect(changed.recipe.train.optimizer.name == "sgd")
    #expect(changed.recipe.seed == 5)
    #expect(changed.recipe.sweep == nil)
  }

  @Test("names fields by as much of their path as tells them apart")
  func names() throws {
    let found = try members(
      "  train.optimizer.lr: [1]\n  adapter.optimizer.lr: [2]\n  adapter.r: [3]")
    #expect(found.members.first?.label == "train.optimizer.lr=1 adapter.optimizer.lr=2 r=3")
  }

  @Test(
    "that cannot be meant is refused at its place",
    arguments: [
      (
        "  adapter.r: [4, 8]\n  max_runs: 1",
        "recipe.yaml:18:13: sweep.max_runs: the sweep describes 2 runs, more than the 1 that "
          + "max_runs allows; shorten an axis, or raise sweep.max_runs"
      ),
      (
        "  seed: [1]\n  seeds: [2]",
        "recipe.yaml:18:11: sweep.seeds.0: seed is varied in two places; keep one"
      ),
      (
        "  adapter.r: [4, 8, 4]",
        "recipe.yaml:17:21: sweep.\"adapter.r\".2: the same value stands twice; keep one"
      ),
      (
        "  tied: [{adapter.q: 1}, {tarin.epochs: 1}]",
        "recipe.yaml:17:27: sweep.tied.1.\"tarin.epochs\": a recipe has no field of this path; "
          + "write its full dotted path"
      ),
    ])
  func refused(sweep: String, message: String) throws {
    #expect(try members(sweep).messages == [message])
  }

  @Test("keeps relative paths of the recipe's own values relative to the recipe")
  func paths() throws {
    let found = try members("  data.root: [one, two]")
    #expect(found.members.first?.changes.first?.directory == "/recipes")
    #expect(found.members.first?.changes.first?.isPlaceless == false)
    #expect(
      try members("  adapter.r: [4]").members.first?.changes.allSatisfy(\.isPlaceless) == true)
  }
}
