import Adapters
import Backbones
import Datasets
import Foundation
import Recipes
import Training

/// Everything that can be said of a recipe before it is trained: what is wrong with it, its data and its
/// model, each as far as the others allow.
struct RecipeCheck {
  /// In the order of recipe, data, model.
  private(set) var problems: [any Error] = []
  /// Paths of data and weights that are not there; only without files.
  private(set) var absentFiles: [String] = []
  private(set) var session: RunSession?
  /// The model, with random weights where there is no session.
  private(set) var model: AssembledModel?
  /// Seconds that opening data and weights took.
  private(set) var openingSeconds = 0.0

  init(_ request: TrainRequest, withoutFiles: Bool = false) {
    let parts: RunParts
    do {
      parts = try RunParts(
        file: request.recipe, overrides: request.allChanges)
    } catch {
      problems = [error]
      return
    }
    let plan: RunPlan
    do {
      plan = try RunPlan(parts)
    } catch {
      problems = [error]
      checkData(parts)
      checkWeights(parts)
      return
    }
    if withoutFiles {
      absentFiles = Self.absentFiles(plan)
      guard absentFiles.isEmpty else {
        checkModel(plan)
        return
      }
    }
    check(plan, parts)
  }

  /// Opens everything; what the first error hides is looked at by itself.
  private mutating func check(_ plan: RunPlan, _ parts: RunParts) {
    let start = ContinuousClock.now
    do {
      let opened = try RunSession(plan)
      openingSeconds = (ContinuousClock.now - start) / .seconds(1)
      (session, model) = (opened, opened.model)
      guard !opened.model.adapted.trainable.isEmpty else { throw TrainingError.nothingToTrain }
      try opened.data.requireSound()
      try opened.check()
    } catch {
      problems = [error]
      guard session == nil else { return }
      checkData(parts)
      checkWeights(parts)
      checkModel(plan)
    }
  }

  // MARK: Parts

  /// Opens the data and reads all of it.
  private mutating func checkData(_ parts: RunParts) {
    guard let data = parts.data else { return }
    do {
      let opened = try PreparedData(data, seed: parts.recipe.seed, digests: FileDigestCache())
      try opened.requireSound()
    } catch {
      add(error)
    }
  }

  private mutating func checkWeights(_ parts: RunParts) {
    guard case .file(let path) = parts.recipe.model.weights else { return }
    do {
      _ = try Attune.digest(ofCheckpoint: path)
    } catch {
      add(error)
    }
  }

  /// Builds the model of the recipe alone, with random weights.
  private mutating func checkModel(_ plan: RunPlan) {
    guard !plan.model.looksAtData else { return }
    do {
      let section = plan.recipe.model
      let names = plan.data.sources[0].section.inputs.map(\.name).sorted()
      model = try plan.model.assemble(
        for: DataShape(
          imageSize: section.imageSize.map { [$0.height, $0.width] }, channels: section.channels,
          classes: section.classes),
        outputs: section.classes ?? 2, inputs: names.isEmpty ? nil : names, readingWeights: false)
    } catch {
      add(error)
    }
  }

  private mutating func add(_ error: any Error) {
    let text = "\(error)"
    if !problems.contains(where: { "\($0)" == text }) { problems.append(error) }
  }

  /// Folders and files that the recipe names and that are not there.
  private static func absentFiles(_ plan: RunPlan) -> [String] {
    var paths = plan.data.sources.map(\.section.root)
    if case .file(let path) = plan.recipe.model.weights { paths.append(path) }
    let roots = paths.uniqued().filter { !FileManager.default.fileExists(atPath: $0) }
    guard roots.isEmpty else { return roots }
    // Roots that are there without the files of the recipe.
    return plan.data.sources.compactMap { source in
      do {
        _ = try source.set.open(seed: 0)
        return nil
      } catch let error as DataError {
        if case .noFiles(let pattern, _, _) = error { return pattern }
        return nil
      } catch { return nil }
    }
  }
}
