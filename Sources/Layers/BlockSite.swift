import Synchronization
package import Tensors

/// Where tokens lie: some leading ones without a place, then a grid in row-major order.
package struct TokenLayout: Sendable, Equatable {
  /// Class token and registers.
  package let prefix: Int
  /// Sizes along the grid's axes, the slowest first.
  package let grid: [Int]

  package init(prefix: Int, grid: [Int]) {
    self.prefix = prefix
    self.grid = grid
  }

  package var count: Int { prefix + grid.reduce(1, *) }
}

/// A block of a transformer whose stream adapters can change: x₁ = x + f(norm(x)) for its attention,
/// then for its MLP.
package final class BlockSite: Sendable {
  /// The two sublayers.
  package enum Sublayer: String, Sendable, CaseIterable, Codable { case attention, mlp }

  /// Path of the block, such as `blocks.3`.
  package let path: String
  /// Width of the stream.
  package let width: Int
  private let attached = Mutex<[(sublayer: Sublayer, branch: any StreamBranch)]>([])

  init(path: String, width: Int) {
    self.path = path
    self.width = width
  }

  package func attach(_ branch: any StreamBranch, to sublayer: Sublayer) {
    attached.withLock { $0.append((sublayer, branch)) }
  }

  package func detachAll() { attached.withLock { $0.removeAll() } }

  package var isAdapted: Bool { attached.withLock { !$0.isEmpty } }

  package func isAdapted(_ sublayer: Sublayer) -> Bool {
    attached.withLock { $0.contains { $0.sublayer == sublayer } }
  }

  /// What a sublayer adds to the stream, changed by the branches in the order of attachment.
  ///
  /// All are `[batch, token, width]`.
  /// - Parameters:
  ///   - z: what the sublayer gives, layer scale included.
  ///   - sublayer: which.
  ///   - normalized: the sublayer's input.
  ///   - stream: what the norm was applied to.
  ///   - context: of the forward pass, with the tokens' layout.
  /// - Returns: what is added to the stream instead.
  package func adapted(
    _ z: Tensor, _ sublayer: Sublayer, normalized: Tensor, stream: Tensor,
    _ context: ForwardContext
  ) -> Tensor {
    var result = z
    for item in attached.withLock({ $0 }) where item.sublayer == sublayer {
      result = item.branch.output(
        result, normalized: normalized, stream: stream, context: context)
    }
    return result
  }

  /// The same for a stream `[..., width]` of any rank, in which each `count` neighbors are the tokens
  /// of one sample, laid out as `tokens` says; nil where masking left some out.
  package func adapted(
    _ z: Tensor, _ sublayer: Sublayer, normalized: Tensor, stream: Tensor, count: Int,
    _ tokens: TokenLayout?, _ context: ForwardContext
  ) -> Tensor {
    guard isAdapted(sublayer) else { return z }
    var context = context
    context.tokens = tokens
    let flat = [-1, count, width]
    return adapted(
      z.reshaped(to: flat), sublayer, normalized: normalized.reshaped(to: flat),
      stream: stream.reshaped(to: flat), context
    ).reshaped(to: z.shape)
  }

  /// What the branches add to the loss; nil for nothing.
  package func penalty() -> Tensor? {
    attached.withLock { $0 }.compactMap { $0.branch.penalty() }
      .reduce(nil) { sum, term in sum.map { $0 + term } ?? term }
  }
}

/// A change of what a sublayer adds to the stream of its block: z' = g(z, norm(x), x).
package protocol StreamBranch: Sendable {
  var parameters: [Parameter] { get }
  /// As `SiteChange.buffers`.
  var buffers: [Parameter] { get }
  /// As `SiteChange.penalty`.
  func penalty() -> Tensor?
  /// All are `[batch, token, width]`; see `BlockSite.adapted`. `context.tokens` says where tokens lie.
  func output(
    _ z: Tensor, normalized: Tensor, stream: Tensor, context: ForwardContext
  ) -> Tensor
}

extension StreamBranch {
  package var buffers: [Parameter] { [] }
  package func penalty() -> Tensor? { nil }
}

extension Scope {
  /// Makes this block one whose stream adapters can change.
  package func block(width: Int) -> BlockSite {
    let block = BlockSite(path: path, width: width)
    register(block)
    return block
  }
}
