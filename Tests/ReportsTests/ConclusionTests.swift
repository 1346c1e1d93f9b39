import Recipes
import Reports
import Testing

@Suite struct ConclusionTests {
  private func sentences(_ runs: [RunDocument]) throws -> [String] {
    try Report(comparing: runs).section("What this does and does not show").sentences
  }

  /// Two arms on each seed, the first with a fifth of the trained parameters.
  private func pair(
    _ scores: [(first: Double, second: Double)], rollout: [(first: Double, second: Double)]? = nil
  ) -> [RunDocument] {
    scores.enumerated().flatMap { seed, score in
      [
        SyntheticRuns.run {
          ($0.name, $0.seed, $0.score) = ("small", seed, score.first)
          $0.rolloutScore = rollout?[seed].first
        },
        SyntheticRuns.run {
          ($0.name, $0.seed, $0.score, $0.trained) = ("large", seed, score.second, 315_088)
          $0.rolloutScore = rollout?[seed].second
        },
      ]
    }
  }

  /// Gives one run's units a scatter of their own, so that the paired interval is wide.
  private func scattered(_ run: RunDocument, by share: Double) -> RunDocument {
    var run = run
    for (name, values) in run.record.evaluations[0].perUnit {
      run.record.evaluations[0].perUnit[name] = values.enumerated().map { index, value in
        value * (1 + share * (index.isMultiple(of: 2) ? 1 : -1))
      }
    }
    return run
  }

  @Test("equal steps are called equal adaptation steps, and nothing more")
  func steps() throws {
    let found = try sentences(SyntheticRuns.study(seeds: [0, 1]))
    #expect(found[0].hasPrefix("All arms are compared at equal adaptation steps (200 each)"))
    #expect(!found.joined().lowercased().contains("equal compute"))
    #expect(!found.joined().lowercased().contains("faster training"))
  }

  @Test("unequal steps are said")
  func unequalSteps() throws {
    var runs = pair([(0.02, 0.03)])
    runs[0].record.steps = 50
    let found = try sentences(runs)
    #expect(found[0].contains("did not take equally many adaptation steps (small 50, large 200)"))
  }

  @Test("random starts are told from trained ones")
  func startingPoints() throws {
    let found = try sentences(SyntheticRuns.study())
    #expect(found[1].hasPrefix("lora and full started from trained weights, scratch from random"))
    let same = try sentences(pair([(0.02, 0.03)]))
    #expect(!same.contains { $0.contains("random") })
  }

  @Test("a difference decided on every seed is stated with its intervals")
  func decided() throws {
    let found = try sentences(pair([(0.02, 0.13), (0.015, 0.13), (0.018, 0.12)]))
    let sentence = try #require(found.first { $0.contains("than large") })
    #expect(
      sentence.hasPrefix(
        "On the test data, small has a lower VRMSE than large with 21 % of its trained parameters "
          + "on all 3 seeds:"))
    #expect(sentence.hasSuffix("all intervals exclude 0."))
  }

  @Test("about the same accuracy is claimed with the share of parameters")
  func same() throws {
    let found = try sentences(pair([(0.0214, 0.0226), (0.0148, 0.0137), (0.0177, 0.0194)]))
    let sentence = try #require(found.first { $0.contains("about the same") })
    #expect(
      sentence.hasPrefix(
        "On the test data, small reaches about the same VRMSE as large with 21 % of its trained "
          + "parameters"))
    #expect(sentence.hasSuffix("; the sign changes with the seed."))
  }

  @Test("a small difference of one sign on all seeds is not hidden")
  func sameWithOneSign() throws {
    let found = try sentences(pair([(0.0214, 0.0226), (0.0147, 0.0157)]))
    let sentence = try #require(found.first { $0.contains("about the same") })
    #expect(sentence.hasSuffix("; small is the better one, by that little, on all 2 seeds."))
  }

  @Test("about the same is not claimed where an interval reaches beyond the limit")
  func notSame() throws {
    var runs = pair([(0.0214, 0.0226)])
    runs[0] = scattered(runs[0], by: 0.9)
    let found = try sentences(runs)
    #expect(!found.contains { $0.contains("about the same") })
    #expect(found.contains { $0.contains("is not decided: the interval includes 0") })
  }

  @Test("with one seed a small decided difference is not made much of")
  func oneSeed() throws {
    let found = try sentences(pair([(0.0214, 0.0226)]))
    #expect(found.contains { $0.contains("with one seed the sign of so small a difference") })
    #expect(found.contains { $0.hasPrefix("One seed was run") })
  }

  @Test("large differences of changing sign decide nothing")
  func changingSign() throws {
    let found = try sentences(pair([(0.02, 0.04), (0.04, 0.02)]))
    #expect(found.contains { $0.contains("the sign of the difference in VRMSE changes") })
  }

  @Test("decided on some seeds only is not decided")
  func partly() throws {
    var runs = pair([(0.02, 0.04), (0.03, 0.031)])
    runs[2] = scattered(runs[2], by: 0.9)
    let found = try sentences(runs)
    #expect(found.contains { $0.contains("the interval excludes 0 on 1 of 2 seeds") })
  }

  @Test("rollouts are a statement of their own, and what does not carry over is said")
  func rollouts() throws {
    let found = try sentences(pair([(0.06, 0.16)], rollout: [(1.2, 0.75)]))
    #expect(found.contains { $0.hasPrefix("For one step, small has a lower VRMSE than large") })
    #expect(
      found.contains { $0.hasPrefix("In rollouts, large has a lower VRMSE_rollout than small") })
    #expect(
      found.contains(
        "What holds between small and large for one step does not carry over to rollouts."))
    let steady = try sentences(pair([(0.06, 0.16)], rollout: [(0.3, 0.75)]))
    #expect(!steady.contains { $0.contains("carry over") })
  }

  @Test("an arm that does not beat the trivial baseline is named")
  func baseline() throws {
    let found = try sentences(pair([(0.02, 0.25)]))
    #expect(
      found.contains(
        "large is no better than the trivial baseline (last state) in VRMSE on seed 0."))
  }

  @Test("fewer parameters that cost no less time are named")
  func cost() throws {
    let found = try sentences(SyntheticRuns.study())
    #expect(
      found.contains(
        "Fewer trained parameters did not mean faster steps here: lora took 36.0 ms per step, "
          + "full 30.0 ms and scratch 30.5 ms."))
  }

  @Test("a setting chosen at the end of those offered is named")
  func ends() throws {
    let found = try sentences(SyntheticRuns.study())
    let ends = found.filter { $0.contains("at an end of the values offered") }
    #expect(ends.count == 1)
    #expect(ends[0].hasPrefix("scratch: the chosen train.optimizer.lr"))
  }

  @Test("of many arms each is held against the one that trains most")
  func manyArms() throws {
    let runs = (1...6).map { index in
      SyntheticRuns.run {
        ($0.name, $0.trained, $0.score) = ("arm\(index)", 1000 * index, 0.02 * Double(index))
        $0.rolloutScore = nil
      }
    }
    let found = try sentences(runs)
    let pairs = found.filter { $0.hasPrefix("On the test data") }
    #expect(pairs.count == 5)
    #expect(pairs.allSatisfy { $0.contains("arm6") })
    #expect(found.contains { $0.contains("stand in the table of paired differences") })
    #expect(try Report(comparing: runs).section("Paired differences").tables[0].rows.count == 15)
  }

  @Test("paired differences follow the units, not their order")
  func unitOrder() throws {
    var runs = pair([(0.02, 0.03)])
    let before = try Report(comparing: runs).section("Paired differences")
    for key in ["VRMSE"] {
      runs[1].record.evaluations[0].perUnit[key]?.reverse()
    }
    runs[1].record.evaluations[0].unitIdentifiers.reverse()
    #expect(try Report(comparing: runs).section("Paired differences") == before)
  }

  @Test("arms tested on other units are not paired")
  func otherUnits() throws {
    var runs = pair([(0.02, 0.03)])
    runs[1].record.evaluations[0].unitIdentifiers[0] = "another"
    let report = try Report(comparing: runs)
    #expect(!report.sections.contains { $0.title == "Paired differences" })
  }
}
