package import Backbones
import Checkpoints
package import Layers
package import Recipes
package import Tensors

/// What a load may do beyond taking tensors that fit.
package struct WeightOptions: Sendable {
  /// Whether missing and unexpected keys are errors or only listed.
  package var strictness = ModelSection.Strictness.strict
  /// Keys with this prefix are taken, without it.
  package var prefix: String?
  package var channelPolicy = ModelSection.ChannelPolicy.refuse
  /// Bands that the file's input channels are; nil takes the file's own list, if it has one.
  package var bands: [String]?
  /// Bands of the data; nil where they have no names.
  package var dataBands: [String]?
  /// Of the first values of what the file does not hold.
  package var seed: UInt64 = 0

  package init() {}
}

extension WeightOptions {
  /// What a recipe says.
  init(_ section: ModelSection, dataBands: [String]?, seed: UInt64) {
    self.init()
    strictness = section.strictness
    prefix = section.weightsPrefix
    channelPolicy = section.channelPolicy
    bands = section.bands
    self.dataBands = dataBands
    self.seed = seed
  }
}

/// A family's rule for stored tensors of another shape, `Backbone.fitted`.
package typealias WeightFitting =
  (_ stored: Tensor, _ parameter: Parameter, _ fit: WeightFit) throws(BackboneError) -> Tensor?

/// Fills a model from a checkpoint and says what matched.
///
/// Prefixes of data-parallel training and compilation are cut off. What the file does not hold and
/// need not, such as task heads of another size, gets its first values; every parameter has a value
/// afterwards. Nothing is changed where the load fails. Parameters borrow the mapped file where it
/// stores them as they are.
///
/// - Parameters:
///   - path: a file or folder, opened by what it holds.
///   - tree: parameters and buffers of the model.
///   - layouts: key layouts that the file may be in.
///   - options: what the recipe allows.
///   - digests: of files that earlier runs read; takes those that are computed.
///   - isOfTask: whether the parameter of a path is part of the task, and may be missing.
///   - fitted: the family's rule for other shapes.
/// - Returns: counts and lists for the record.
/// - Throws: `CheckpointError` where the file cannot be read, `RunError` or `BackboneError` where it
///   is not of this model.
package func loadWeights(
  _ path: String, into tree: ModuleTree, layouts: [KeyLayout],
  options: WeightOptions = .init(), digests: FileDigestCache = .init(),
  isOfTask: (String) -> Bool = { _ in false }, fitted: WeightFitting
) throws -> RunRecord.Weights {
  let source = try openWeights(path, prefix: options.prefix)
  let layout = try keyLayout(of: source, among: layouts, for: tree)
  var load = WeightLoad(source, layout, tree, options, isOfTask)
  let digest = BackgroundDigest(of: source.files, digests)
  try load.run(fitted)
  return try load.finish(digest: digest.value())
}

/// Fills a network by its own layouts and rules.
func loadWeights(
  _ path: String, into tree: ModuleTree, network: Network, options: WeightOptions,
  digests: FileDigestCache
) throws -> RunRecord.Weights {
  try loadWeights(
    path, into: tree, layouts: network.layouts, options: options, digests: digests,
    isOfTask: network.isOfTask
  ) { stored, parameter, fit throws(BackboneError) in
    try network.backbone?.fitted(stored, to: parameter, fit)
  }
}

/// What data-parallel training and compilation write before all names.
let weightWrappers = ["module.", "_orig_mod."]

/// A checkpoint without what training programs write before all its names.
private func openWeights(_ path: String, prefix: String?) throws -> any TensorSource {
  var source = try openCheckpoint(path)
  for wrapper in weightWrappers { source = source.strippingCommonPrefix(wrapper) }
  guard let prefix else { return source }
  let chosen = source.selecting(prefix: prefix)
  guard !chosen.names.isEmpty else {
    throw RunError.settingInvalid(
      field: "model.weights_prefix", found: "no key of \(path) begins with '\(prefix)'",
      expected: "the start of keys such as \(source.names.prefix(3).joined(separator: ", "))")
  }
  return chosen
}

/// One pass over a model's parameters.
private struct WeightLoad {
  private let source: any TensorSource
  private let layout: KeyLayout
  private let tree: ModuleTree
  private let options: WeightOptions
  /// Paths of parameters that belong to task heads.
  private let heads: Set<String>
  private var values: [(parameter: Parameter, value: Tensor)] = []
  private var used: Set<String> = []
  private var missing: [String] = []
  private var resized: [String] = []
  private var problems: [String] = []

  init(
    _ source: any TensorSource, _ layout: KeyLayout, _ tree: ModuleTree, _ options: WeightOptions,
    _ isOfTask: (String) -> Bool
  ) {
    self.source = source
    self.layout = layout
    self.tree = tree
    self.options = options
    heads = Set(
      tree.sites.filter { $0.groups.contains("head") }
        .flatMap { [$0.weight.path] + ($0.bias.map { [$0.path] } ?? []) }
        + tree.stored.map(\.path).filter(isOfTask))
  }

  mutating func run(_ fitted: WeightFitting) throws {
    let fit = try weightFit()
    for parameter in tree.stored {
      if let value = try value(of: parameter, fit, fitted) { values.append((parameter, value)) }
    }
  }

  /// Gives the parameters their values and lists what was left over.
  mutating func finish(digest: String) throws -> RunRecord.Weights {
    let unexpected = source.names.filter { !used.contains($0) && !layout.ignores($0) }
    if options.strictness == .strict {
      problems += unexpected.filter { !layout.isHead($0) }.map { "\($0) is unexpected" }
    }
    guard problems.isEmpty else {
      throw RunError.weightsDoNotFit(
        path: source.path, problems: problems, size: ModelSize.difference(source, layout, tree))
    }
    for (parameter, value) in values { parameter.value = value }
    tree.initializeUnset(seed: options.seed)
    return RunRecord.Weights(
      path: source.path, digest: digest, matched: values.count, missing: missing,
      unexpected: unexpected, resized: resized, layout: layout.name)
  }

  /// The value for a parameter; nil where the file has none.
  private mutating func value(
    of parameter: Parameter, _ fit: WeightFit, _ fitted: WeightFitting
  ) throws -> Tensor? {
    let parts = layout.parts(of: parameter.path)
    let keys = parts.map(\.key)
    let isHead = heads.contains(parameter.path)
    let isTied = !used.isDisjoint(with: keys)
    let absent = keys.filter { source.entry($0) == nil }
    guard absent.isEmpty else {
      missing += absent
      if options.strictness == .strict, !isHead {
        problems += absent.map { "\($0) is missing" }
      }
      used.formUnion(keys)
      return nil
    }
    used.formUnion(keys)
    var stored: Tensor
    do {
      stored = try layout.value(of: parameter.path) { try source.tensor($0) }
    } catch let error as KeyLayoutError {
      problems.append(error.description)
      return nil
    }
    // A tied tensor is handed out twice, and each parameter is changed in place on its own.
    if isTied { stored = stored.copied() }
    let counts = stored.notFiniteCounts
    if counts.nan + counts.infinite > 0 {
      problems.append(
        "\(keys.joined(separator: ", ")) holds \(counts.nan) NaN and \(counts.infinite) infinite "
          + "values")
      return nil
    }
    guard let value = try shaped(stored, for: parameter, keys, fit, fitted) else {
      let found = "\(keys.joined(separator: ", ")) \(shapes(keys))"
      if isHead {
        missing.append("\(found), the model's is \(parameter.shape)")
      } else {
        problems.append(
          "\(keys.joined(separator: ", ")) has shape \(stored.shape), the model expects "
            + "\(parameter.shape)")
      }
      return nil
    }
    return value.dtype == parameter.dtype ? value : value.cast(to: parameter.dtype)
  }

  /// The stored value, or what the family makes of it where the shape or the bands are others.
  private mutating func shaped(
    _ stored: Tensor, for parameter: Parameter, _ keys: [String], _ fit: WeightFit,
    _ fitted: WeightFitting
  ) throws -> Tensor? {
    let isSame = stored.shape == parameter.shape
    if isSame, fit.channels == nil { return stored }
    if !parameter.isSet { parameter.initialize(seed: options.seed) }
    let value = try fitted(stored, parameter, fit)
    guard let value, value.shape == parameter.shape else { return isSame ? stored : nil }
    if !isSame || value.storage !== stored.storage { resized += keys }
    return value
  }

  private func shapes(_ keys: [String]) -> String {
    keys.compactMap { source.entry($0).map { "\($0.shape)" } }.joined(separator: ", ")
  }

  /// Pairs bands by name.
  private func weightFit() throws -> WeightFit {
    var fit = WeightFit(channelPolicy: options.channelPolicy, layout: layout.name)
    let own = source.metadata["bands"].map { text in
      text.split(separator: ",").map { $0.trimmingPrefix(" ").description }
    }
    guard let bands = options.bands ?? own, let wanted = options.dataBands else { return fit }
    let found = wanted.map { bands.firstIndex(of: $0) }
    if found.contains(nil) {
      guard options.channelPolicy != .refuse, options.channelPolicy != .select else {
        let foreign = zip(wanted, found).filter { $0.1 == nil }.map(\.0)
        throw RunError.settingInvalid(
          field: "model.bands",
          found: "the weights have no band \(foreign.joined(separator: ", ")) of the data",
          expected: "some of \(bands.joined(separator: ", ")), or another model.channel_policy")
      }
      return fit
    }
    let channels = found.compactMap(\.self)
    if channels != Array(bands.indices) { fit.channels = channels }
    return fit
  }
}

extension RunRecord.Weights {
  /// The line that ends every load.
  package var summary: String {
    func listed(_ names: [String]) -> String {
      let shown = names.prefix(4).joined(separator: ", ")
      return names.isEmpty ? "" : " (\(shown)\(names.count > 4 ? ", …" : ""))"
    }
    return "weights \(path)\(layout.map { ", layout \($0)" } ?? ""): \(matched) matched, "
      + "\(missing.count) missing\(listed(missing)), "
      + "\(unexpected.count) unexpected\(listed(unexpected)), "
      + "\(resized.count) resized\(listed(resized))"
  }
}
