import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("FedAvg, FLoRA, FedSB, LoRAFAIR, FedPipe")
struct FederatedTests {
  private let weights = [0.5, 0.3, 0.2]

  private func pair(_ rank: Int, seed: Int) -> AdapterSum.Pair {
    AdapterSum.Pair(
      down: FiniteDifferences.values([rank, 9], seed: seed).cast(to: .f32),
      up: FiniteDifferences.values([7, rank], seed: seed + 1).cast(to: .f32))
  }

  /// Clients' values of an adapter, each drawn.
  private func clients(_ adapter: AttachedAdapter) -> [ClientValues] {
    weights.enumerated().map { client, weight in
      ClientValues(
        weight: weight,
        values: Dictionary(
          uniqueKeysWithValues: adapter.parameters.enumerated().map { index, parameter in
            let drawn = FiniteDifferences.values(parameter.shape, seed: 100 * client + index + 1)
            return (parameter.path, drawn.cast(to: .f32))
          }))
    }
  }

  /// Σ p_k ΔW_k of the first layer.
  private func mean(_ layers: SmallLayers, _ clients: [ClientValues]) throws -> Tensor {
    var sum: Tensor?
    for client in clients {
      for parameter in layers.adapter.parameters {
        parameter.value = try #require(client.values[parameter.path])
      }
      let change = try layers.change().scaled(by: client.weight)
      sum = sum.map { $0 + change } ?? change
    }
    return try #require(sum)
  }

  @Test("stacked pairs of different ranks multiply to the mean of the products")
  func stacking() throws {
    let pairs = [pair(2, seed: 1), pair(5, seed: 3), pair(1, seed: 5)]
    let stack = FLoRA.stacked(zip(weights, pairs).map { (weight: $0, pair: $1) })
    #expect(stack.down.shape == [8, 9] && stack.up.shape == [7, 8])
    // p_k stands on A alone.
    #expect(
      stack.down.sliced(axis: 0, 2..<7).largestDifference(from: pairs[1].down.scaled(by: 0.3)) == 0)
    #expect(stack.up.sliced(axis: 1, 2..<7).largestDifference(from: pairs[1].up) == 0)
    let wanted = zip(weights, pairs).reduce(Tensor(zeros: [7, 9])) {
      $0 + matrixProduct($1.1.up, $1.1.down).scaled(by: $1.0)
    }
    let found = matrixProduct(stack.up, stack.down)
    #expect(found.largestDifference(from: wanted) < 2e-6 * wanted.largestMagnitude)
  }

  @Test("flora's update is the mean of the clients' updates, fedavg's is not")
  func inexact() throws {
    let layers = try SmallLayers(LoRA.self, [("r", 3), ("alpha", 6)], count: 2)
    let clients = clients(layers.adapter)
    let exact = FLoRA().aggregated(clients, layers.adapter)
    #expect(exact.values.isEmpty && exact.updates.count == 2)
    let update = try #require(exact.updates[0])
    let wanted = try mean(layers, clients)
    #expect(
      matrixProduct(update.up, update.down).largestDifference(from: wanted)
        < 3e-6 * wanted.largestMagnitude)
    #expect(try #require(layers.adapter.inexactness(of: exact, clients)) < 1e-6)

    let averaged = FedAvg().aggregated(clients, layers.adapter)
    let a = try #require(layers.value("lora_A.weight"))
    let sum = zip(weights, clients).reduce(Tensor(zeros: a.shape)) {
      $0 + ($1.1.values[a.path] ?? a.value).scaled(by: $1.0)
    }
    #expect(try #require(averaged.values[a.path]).largestDifference(from: sum) < 1e-6)
    // Of independent factors nearly all is lost.
    let lost = try #require(layers.adapter.inexactness(of: averaged, clients))
    #expect(lost > 0.3 && lost < 1.5)
    #expect(averaged.count == 2 * 3 * (8 + 12))
    #expect(exact.count == 2 * 9 * (8 + 12))
  }

  @Test("fed-sb's mean of the small matrices is exact, at r² values a weight")
  func smallMatrices() throws {
    let layers = try SmallLayers(LoRAXS.self, [("r", 3)], count: 2)
    try FedSB().check(layers.adapter)
    let clients = clients(layers.adapter)
    let server = FedSB().aggregated(clients, layers.adapter)
    #expect(server.count == 2 * 9)
    #expect(try #require(layers.adapter.inexactness(of: server, clients)) < 1e-6)
    let wanted = try mean(layers, clients)
    for parameter in layers.adapter.parameters {
      parameter.value = try #require(server.values[parameter.path])
    }
    #expect(try layers.change().largestDifference(from: wanted) < 3e-6 * wanted.largestMagnitude)
    let others = try SmallLayers(LoRA.self, [("r", 3)])
    #expect(throws: AdapterError.self) { try FedSB().check(others.adapter) }
  }

  @Test("lora-fair's correction solves the penalized least squares, and never leaves more")
  func correction() throws {
    let pairs = [pair(3, seed: 11), pair(3, seed: 21), pair(3, seed: 31)]
    let sent = zip(weights, pairs).map { (weight: $0, pair: $1) }
    func mean(_ part: (AdapterSum.Pair) -> Tensor) -> Tensor {
      sent.reduce(Tensor(zeros: part(pairs[0]).shape)) { $0 + part($1.pair).scaled(by: $1.weight) }
    }
    let (down, up) = (mean(\.down).cast(to: .f64), mean(\.up).cast(to: .f64))
    let stack = FLoRA.stacked(sent)
    let wanted = matrixProduct(stack.up.cast(to: .f64), stack.down.cast(to: .f64))
    func rest(_ up: Tensor) -> Tensor { wanted - matrixProduct(up, down) }
    var last = 0.0
    for penalty in [1e-6, 0.1, 10.0] {
      let corrected = LoRAFAIR.corrected(up: up, down: down, sent, penalty: penalty)
      // The gradient of ‖ΔW − (B̄ + ΔB) Ā‖² + λ ‖ΔB‖² vanishes.
      let gradient =
        (corrected - up).scaled(by: penalty)
        - matrixProduct(rest(corrected), down.permuted([1, 0]))
      #expect(gradient.largestMagnitude < 1e-9)
      let left = rest(corrected).sumOfSquares()
      #expect(left < rest(up).sumOfSquares() && left >= last)
      last = left
    }
    let layers = try SmallLayers(LoRA.self, [("r", 3), ("alpha", 6)], count: 2)
    let clients = clients(layers.adapter)
    let method = try made(LoRAFAIR.options, []) { LoRAFAIR($0, $1) }
    let fair = method.aggregated(clients, layers.adapter)
    let plain = FedAvg().aggregated(clients, layers.adapter)
    let (a, b) = (
      try #require(layers.adapter.inexactness(of: fair, clients)),
      try #require(layers.adapter.inexactness(of: plain, clients))
    )
    #expect(a < b)
    #expect(LoRAFAIR.isExperimental && !FLoRA.isExperimental)
  }

  @Test("what is no plain pair is refused by name")
  func refusals() throws {
    let layers = try SmallLayers(LoRA.self, [("use_dora", true)])
    for aggregation in ["flora", "lora-fair"] {
      let type = try #require(federatedAggregations[aggregation])
      let method = try made(type.options, []) { type.init($0, $1) }
      let error = #expect(throws: AdapterError.self) { try method.check(layers.adapter) }
      #expect("\(error.map { "\($0)" } ?? "")".contains(aggregation))
    }
    try FedAvg().check(layers.adapter)
    #expect(
      layers.adapter.inexactness(of: ServerValues(values: [:]), clients(layers.adapter)) == nil)
  }

  @Test("fedpipe's ranks are the best of all that the budget allows")
  func allocation() {
    let allocation = FedPipeAllocation(
      [
        .init(contribution: 3, cost: 40), .init(contribution: 1, cost: 20),
        .init(contribution: 2.5, cost: 60), .init(contribution: 0.1, cost: 20),
      ], limit: 3)
    for budget in stride(from: 0, through: 460, by: 20) {
      let found = allocation.ranks(budget: budget)
      #expect(allocation.cost(found) <= budget)
      var best = 0.0
      for code in 0..<256 {
        let ranks = (0..<4).map { code >> (2 * $0) & 3 }
        if allocation.cost(ranks) <= budget { best = max(best, allocation.worth(ranks)) }
      }
      #expect(abs(allocation.worth(found) - best) < 1e-12, "\(budget)")
    }
    #expect(allocation.ranks(budget: 10) == [0, 0, 0, 0])
  }
}
