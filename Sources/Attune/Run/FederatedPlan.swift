import Adapters
import Datasets
import Foundation
import Layers
import Recipes

/// A recipe's `federated` section after decoding.
struct FederatedPlan: Sendable {
  let rounds: Int
  let aggregation: any FederatedAggregation
  /// As `FederatedSection.clients`.
  private let pattern: String?

  var name: String { type(of: aggregation).name }
  var isExperimental: Bool { type(of: aggregation).isExperimental }

  /// Decodes the section; all that is wrong goes to `diagnostics`, and then nil is returned.
  init?(
    _ section: FederatedSection, _ recipe: Recipe, _ registries: Registries,
    _ diagnostics: Diagnostics
  ) {
    rounds = section.rounds
    pattern = section.clients
    let component = section.aggregation
    func refuse(_ what: String, _ mend: String, _ path: String) {
      diagnostics.error(.rule(what, mend: mend), at: component.location, path: path)
    }
    if recipe.adapters.filter({ $0.method.name != "none" }).count != 1 {
      refuse("clients train one adapter", "give adapter one method", "adapter")
    }
    if !recipe.freezesBackbone {
      refuse(
        "clients send an adapter, and the base stays", "leave model.freeze_backbone out",
        "model.freeze_backbone")
    }
    if recipe.train.earlyStopping != nil {
      refuse(
        "the number of rounds is given", "leave early_stopping out", "train.early_stopping")
    }
    if recipe.train.cachesFrozenFeatures {
      refuse(
        "stored features are not offered for clients", "leave cache_frozen_features out",
        "train.cache_frozen_features")
    }
    if let pattern {
      if (try? Regex(pattern)) == nil || !pattern.contains("(") {
        refuse(
          "\"\(pattern)\" is no regular expression with a group",
          "write one whose first group names the client, such as ^([a-z]+)/", "federated.clients")
      }
      if recipe.sources.count > 1 {
        refuse(
          "each of data.sources is a client already", "leave clients out, or give one source",
          "federated.clients")
      }
    } else if recipe.sources.count < 2 {
      refuse(
        "there is one data source, so one client",
        "list several in data.sources, or name clients by their samples in clients",
        "federated.clients")
    }
    guard let found = registries.federatedAggregations.reading(component, diagnostics) else {
      return nil
    }
    aggregation = found.entry.init(found.reader, diagnostics)
  }

  /// The clients of opened data, in the order of sources, or of names.
  ///
  /// - Throws: `RunError.settingInvalid` for a sample that the pattern finds no client in, and where it
  ///   finds one client alone.
  func clients(_ data: PreparedData, seed: UInt64) throws -> [FederatedClient] {
    guard let pattern else {
      return zip(data.sources, data.loader.sources).map {
        FederatedClient(data, source: $0, samples: $1.samples, name: $0.name, seed: seed)
      }
    }
    let expression = try Regex(pattern)
    let samples = data.loader.sources[0].samples
    var numbers: [String: [Int]] = [:]
    for index in 0..<samples.count {
      let identifier = samples.identifier(index)
      guard let match = identifier.firstMatch(of: expression), match.output.count > 1,
        let name = match.output[1].substring
      else {
        throw RunError.settingInvalid(
          field: "federated.clients", found: "nothing in the identifier '\(identifier)'",
          expected: "a client's name in its first group")
      }
      numbers[String(name), default: []].append(index)
    }
    guard numbers.count > 1 else {
      throw RunError.settingInvalid(
        field: "federated.clients",
        found: "one client, '\(numbers.keys.first ?? "")', for samples such as "
          + "'\(samples.identifier(0))'", expected: "a group that tells samples apart")
    }
    return numbers.sorted { $0.key < $1.key }.map { name, numbers in
      FederatedClient(
        data, source: data.sources[0], samples: SampleSubset(samples, numbers), name: name,
        seed: seed)
    }
  }
}

/// One client of a federated run.
struct FederatedClient {
  let name: String
  let data: PreparedData
  /// Of its random numbers.
  let seed: UInt64

  init(
    _ whole: PreparedData, source: PreparedData.Source, samples: any SampleSet, name: String,
    seed: UInt64
  ) {
    self.name = name
    self.seed = seed ^ UInt64(pathHash(name)) << 32
    data = PreparedData(
      source, loader: whole.loader.part(samples, name: name, seed: self.seed), seed: self.seed)
  }

  var sampleCount: Int { data.loader.sources[0].samples.count }
}
