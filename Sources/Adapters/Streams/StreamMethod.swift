package import Layers
import Recipes
package import Tensors

/// A method that adds a map A of tokens to the sublayers of blocks: z' = z + s A(·).
package protocol StreamMethod: RecordsOptions {
  var placement: StreamPlacement { get }
  /// Makes the map of one sublayer.
  ///
  /// - Throws: where the stream's width does not suit the method.
  func makeMap(
    _ scope: BranchScope, _ shared: SharedValues
  ) throws(AdapterError) -> any StreamMap
  /// Trainable values of one map, without those that maps share.
  func mapCount(width: Int) -> Int
}

extension StreamMethod {
  package func makeBranches(
    for block: BlockTarget, _ shared: SharedValues
  ) throws(AdapterError) -> [PlacedBranch] {
    var branches: [PlacedBranch] = []
    for sublayer in placement.sublayers {
      let scope = BranchScope(block: block, module: placement.modules[sublayer] ?? "")
      let map = try makeMap(scope, shared)
      branches.append(PlacedBranch(sublayer, StreamMapBranch(map: map, placement: placement)))
    }
    return branches
  }

  package func trainableCount(for block: BlockTarget) -> Int {
    placement.sublayers.count * mapCount(width: block.site.width)
  }
}

/// A map of tokens `[batch, token, width]` to the same shape.
package protocol StreamMap: Sendable {
  var parameters: [Parameter] { get }
  /// As `SiteChange.buffers`.
  var buffers: [Parameter] { get }
  /// `context.tokens` says where tokens lie.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor
}

extension StreamMap {
  package var buffers: [Parameter] { [] }
}

/// Where maps stand and how they enter the stream.
package struct StreamPlacement: Sendable {
  /// What a map sees: z, the sublayer's output (Houlsby); norm(x), its input (He et al.); or the
  /// stream x itself (AdaptFormer).
  package enum Input: Sendable { case output, normalized, stream }

  package var sublayers: [BlockSite.Sublayer]
  package var input: Input
  /// Whether z stays beside the map.
  package var keepsOutput = true
  package var scale = 1.0
  /// Names of the maps' modules below the block.
  package var modules: [BlockSite.Sublayer: String]

  /// Names of the reference for audio transformers.
  static let audioModules: [BlockSite.Sublayer: String] = [
    .attention: "adapter_module_MHSA", .mlp: "adapter_module_FFN",
  ]
  /// Names of the references for vision transformers.
  static let visionModules: [BlockSite.Sublayer: String] = [
    .attention: "adapter_attn", .mlp: "adapter_mlp",
  ]

  /// Option `sublayers`.
  static func sublayersOption(_ standard: OptionDefault) -> Option {
    Option(
      "sublayers", .list(.choice(BlockSite.Sublayer.self), count: 1...2), default: standard,
      "Sublayers of a block that get a map.")
  }

  /// Option `scale`.
  static func scaleOption(_ standard: OptionDefault = 1) -> Option {
    Option("scale", .number, default: standard, "Factor s of the map's output.")
  }

  /// Where the map of `placement: sequential` or `parallel` stands.
  enum Position: String, CaseIterable {
    case sequential, parallel
    var input: Input { self == .sequential ? .output : .normalized }
  }

  /// Option `placement` of methods that may stand behind a sublayer or beside it.
  static let positionOption = Option(
    "placement", .choice(Position.self), default: "parallel",
    "Behind the sublayer, on its output, or beside it, on its normalized input.")
}

extension OptionReader {
  /// The sublayers that option `sublayers` names, in the order of the block.
  var sublayers: [BlockSite.Sublayer] {
    let named = texts("sublayers")
    return BlockSite.Sublayer.allCases.filter { named.contains($0.rawValue) }
  }
}

/// The module of one map below a block: its values have the module's name before theirs.
package struct BranchScope {
  package let block: BlockTarget
  package let module: String

  package var width: Int { block.site.width }

  package func path(to name: String) -> String { block.path(to: "\(module).\(name)") }

  package func parameter(
    _ name: String, _ shape: [Int], _ initialization: Initialization
  ) -> Parameter {
    block.parameter("\(module).\(name)", shape, initialization)
  }

  package func buffer(
    _ name: String, _ shape: [Int], _ initialization: Initialization
  ) -> Parameter {
    Parameter(path: path(to: name), shape: shape, initialization: initialization, isBuffer: true)
  }
}

/// z' = z + s A(input), or s A(input) alone.
private struct StreamMapBranch: StreamBranch {
  let map: any StreamMap
  let placement: StreamPlacement

  var parameters: [Parameter] { map.parameters }
  var buffers: [Parameter] { map.buffers }

  func output(
    _ z: Tensor, normalized: Tensor, stream: Tensor, context: ForwardContext
  ) -> Tensor {
    let input =
      switch placement.input {
      case .output: z
      case .normalized: normalized
      case .stream: stream
      }
    let change = map(input.single, context).scaled(by: placement.scale)
    return placement.keepsOutput ? z.single + change : change
  }
}
