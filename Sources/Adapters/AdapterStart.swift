package import Checkpoints
package import Layers
package import Recipes

extension AttachedAdapter {
  /// Gives the adapter the values of a saved one (`adapter.from`), which must be of the same method,
  /// options and targets; a head may differ, and then keeps the values that it has.
  ///
  /// - Parameters:
  ///   - directory: of the saved adapter, in PEFT's layout.
  ///   - methods: all that are known.
  ///   - options: the method's, as the recipe gives them.
  ///   - tree: the model's.
  ///   - layouts: names that programs give to the model's parameters.
  ///   - baseDigest: of this model's base weights.
  ///   - isOfTask: whether a parameter belongs to a head.
  /// - Returns: paths of parameters of the head that the file has no fitting value for.
  /// - Throws: `AdapterError.startDiffers` with all differences at once, and as `load`.
  package func start(
    from directory: PEFTDirectory, _ methods: Registry<any AdapterMethod.Type>,
    options: OptionReader, on tree: ModuleTree, layouts: [KeyLayout], baseDigest: String,
    isOfTask: (String) -> Bool
  ) throws -> [String] {
    let opened = try OpenedAdapter(directory, methods)
    guard opened.type.name == settings.method else {
      throw AdapterError.startDiffers(
        adapter: settings.name, path: directory.path,
        differences: ["method: \(settings.method), the file has \(opened.type.name)"])
    }
    let names = try opened.names(tree, layouts)
    var differences = opened.differences(options).map {
      "\($0.name): \($0.given), the file has \($0.stored)"
    }
    if !opened.type.capabilities.contains(.blocks), !opened.type.capabilities.contains(.modules) {
      differences += targetDifferences(try opened.targets(names))
    }
    guard differences.isEmpty else {
      throw AdapterError.startDiffers(
        adapter: settings.name, path: directory.path, differences: differences)
    }
    return try load(
      from: directory, baseDigest: baseDigest, names: names, isOfTask: isOfTask)
  }

  /// Where the file's targets are not this adapter's.
  private func targetDifferences(_ stored: [AdapterTarget]) -> [String] {
    func same(_ first: AdapterTarget, _ second: AdapterTarget) -> Bool {
      first.site === second.site && first.rows == second.rows
    }
    func name(_ target: AdapterTarget) -> String { String(target.path(to: "").dropLast()) }
    var differences: [String] = []
    for target in modules.map(\.target) {
      guard let other = stored.first(where: { same($0, target) }) else {
        differences.append("\(name(target)): adapted, not in the file")
        continue
      }
      if target.rank != other.rank || target.scaling != other.scaling, target.rank > 0 {
        differences.append(
          "\(name(target)): rank \(target.rank) and alpha \(target.alpha), the file has "
            + "\(other.rank) and \(other.alpha)")
      }
    }
    for other in stored where !modules.contains(where: { same($0.target, other) }) {
      differences.append("\(name(other)): not adapted, but in the file")
    }
    return differences
  }
}
