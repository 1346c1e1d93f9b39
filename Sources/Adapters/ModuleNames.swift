package import Layers

/// The modules of a program's model beside ours: one of ours, or a range of its rows, for each.
///
/// transformers has queries, keys and values in modules of their own; ours are rows of one matrix.
package struct ModuleNames: Sendable {
  package struct Module: Sendable {
    /// Dotted path in the program's model.
    package let name: String
    package let site: AdaptationSite
    package let rows: Range<Int>
  }

  package let modules: [Module]
  /// Keys of the program's parameters by our path, in the order of rows.
  private let keys: [String: [String]]

  /// Our own names.
  package init(_ tree: ModuleTree) {
    self.init(tree) { [$0] }
  }

  /// The names of a layout.
  ///
  /// - Parameters:
  ///   - tree: the model's.
  ///   - key: keys of a parameter in the program, in the order of its rows.
  package init(_ tree: ModuleTree, _ key: (_ path: String) -> [String]) {
    modules = tree.sites.flatMap { site in
      let keys = key(site.weight.path)
      let height = site.outputs / max(1, keys.count)
      return keys.enumerated().map { index, key in
        Module(
          name: parent(of: key), site: site, rows: (index * height)..<((index + 1) * height))
      }
    }
    keys = Dictionary(uniqueKeysWithValues: tree.stored.map { ($0.path, key($0.path)) })
  }

  /// Keys of a parameter in the program.
  package func keys(of path: String) -> [String] { keys[path] ?? [path] }

  /// The module that a key lies in or below, or in a slice of; the longest name wins.
  package func module(holding key: String) -> Module? {
    modules.filter { key.hasPrefix($0.name + ".") || key.hasPrefix($0.name + "[") }
      .max { $0.name.count < $1.name.count }
  }

  /// The module that stands for these rows of a site, or for all of it.
  func module(of site: AdaptationSite, rows: Range<Int>) -> Module? {
    let own = modules.filter { $0.site === site }
    return own.first { $0.rows == rows } ?? own.first { $0.rows == 0..<site.outputs }
  }
}

/// Path of the module that a parameter or module lies in; empty at the root.
func parent(of path: String) -> String {
  path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
}
