import Layers
package import Recipes
package import Tensors

/// Means of both factors, the up factor corrected so that their product comes near the mean of the
/// products (after LoRA-FAIR, arXiv 2411.14961): Ā = Σ p_k A_k, B = B̄ + ΔB, B̄ = Σ p_k B_k.
///
/// ΔB = (ΔW − B̄ Ā) Āᵀ (Ā Āᵀ + λ I)⁻¹ with ΔW = Σ p_k B_k A_k minimizes ‖ΔW − (B̄ + ΔB) Ā‖² + λ ‖ΔB‖², and never
/// leaves a larger rest than the plain means. The paper searches ΔB by a cosine with the same penalty;
/// this closed form stands in its place. Clients go on from Ā and B.
package struct LoRAFAIR: FederatedAggregation {
  package static let name = "lora-fair"
  package static let summary = "means of both factors, the up factor corrected (after LoRA-FAIR)"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "lambda", .number, default: 1e-3, range: .above(0),
      "Weight λ of the correction's size, in units of the mean of diag(Ā Āᵀ).")
  ]

  private let penalty: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    penalty = options.number("lambda")
  }

  package func check(_ adapter: AttachedAdapter) throws(AdapterError) {
    _ = try adapter.plainPairs(for: Self.name)
    for (target, _) in adapter.modules where target.site.groupCount > 1 {
      throw .unsupported(
        module: target.site.path, method: adapter.settings.method,
        reason: "pairs of a convolution in groups cannot be corrected. Leave it out of "
          + "target_modules")
    }
  }

  package func aggregated(
    _ clients: [ClientValues], _ adapter: AttachedAdapter
  ) -> ServerValues {
    var server = FedAvg().aggregated(clients, adapter)
    for (_, change) in adapter.modules {
      guard let pair = change as? LoRADelta, let down = server.values[pair.down.path],
        let up = server.values[pair.up.path]
      else { continue }
      let sent = clients.compactMap { client -> (weight: Double, pair: AdapterSum.Pair)? in
        guard let down = client.values[pair.down.path], let up = client.values[pair.up.path] else {
          return nil
        }
        return (client.weight, AdapterSum.Pair(down: down, up: up))
      }
      let a = Self.matrix(down)
      let scale = (a * a).sum().scalar / Double(a.shape[0])
      let corrected = Self.corrected(
        up: up, down: down, sent, penalty: penalty * max(scale, .leastNormalMagnitude))
      server.values[pair.up.path] = corrected
    }
    return server
  }

  /// The corrected up factor.
  ///
  /// - Parameters:
  ///   - up: B̄ `[out, r, 1...]`.
  ///   - down: Ā `[r, in...]`.
  ///   - pairs: of the clients with their weights.
  ///   - penalty: λ.
  /// - Returns: B̄ + ΔB in the shape and type of `up`.
  package static func corrected(
    up: Tensor, down: Tensor, _ pairs: [(weight: Double, pair: AdapterSum.Pair)], penalty: Double
  ) -> Tensor {
    let (a, b) = (matrix(down), matrix(up))
    let stack = FLoRA.stacked(pairs)
    let rest = matrixProduct(matrix(stack.up), matrix(stack.down)) - matrixProduct(b, a)
    let square =
      matrixProduct(a, a.transposed) + Tensor.identity(a.shape[0], .f64).scaled(by: penalty)
    let change = matrixProduct(matrixProduct(rest, a.transposed), square.inverse())
    return (b + change).cast(to: up.dtype).reshaped(to: up.shape)
  }

  /// Matricised, in double precision.
  private static func matrix(_ tensor: Tensor) -> Tensor {
    tensor.detached().cast(to: .f64).reshaped(to: [tensor.shape[0], -1])
  }
}
