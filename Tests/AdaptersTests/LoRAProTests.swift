import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoRA-Pro")
struct LoRAProTests {
  private let scaling = 1.5
  private let a = FiniteDifferences.values([3, 8], seed: 1)
  private let b = FiniteDifferences.values([12, 3], seed: 2)
  private let gradient = FiniteDifferences.values([12, 8], seed: 3)

  private func transposed(_ matrix: Tensor) -> Tensor { matrix.permuted([1, 0]) }

  /// The projection onto the columns of a matrix `[m, r]`.
  private func projection(_ columns: Tensor) -> Tensor {
    let inner = matrixProduct(transposed(columns), columns).inverse()
    return matrixProduct(matrixProduct(columns, inner), transposed(columns))
  }

  /// G − (I − P_B) G (I − P_A).
  private func equivalent(_ gradient: Tensor) -> Tensor {
    let left = gradient - matrixProduct(projection(b), gradient)
    let rest = left - matrixProduct(left, projection(transposed(a)))
    return gradient - rest
  }

  @Test("changes of the pair have the part of the weight's gradient that the pair can take")
  func effect() {
    let pair = PairGradient(down: a, up: b, scaling: scaling)
    for isBalanced in [false, true] {
      let changes = pair.changes(
        ofDown: pair.ofDown(gradient), ofUp: pair.ofUp(gradient), isBalanced: isBalanced)
      let effect = matrixProduct(b, changes.down) + matrixProduct(changes.up, a)
      #expect(effect.scaled(by: scaling).largestDifference(from: equivalent(gradient)) < 1e-10)
      #expect(pair.effect(changes).largestDifference(from: equivalent(gradient)) < 1e-10)
    }
  }

  @Test("the balanced changes are the nearest to the pair's own gradients")
  func balance() {
    let pair = PairGradient(down: a, up: b, scaling: scaling)
    let (ofDown, ofUp) = (pair.ofDown(gradient), pair.ofUp(gradient))
    let found = pair.changes(ofDown: ofDown, ofUp: ofUp, isBalanced: true)
    func distance(_ x: Tensor) -> Double {
      let down = found.down + matrixProduct(x, a)
      let up = found.up - matrixProduct(b, x)
      return (down - ofDown).sumOfSquares() + (up - ofUp).sumOfSquares()
    }
    let least = distance(Tensor(zeros: [3, 3], dtype: .f64))
    for place in 0..<9 {
      for move in [1e-3, -1e-3] {
        var values = [Double](repeating: 0, count: 9)
        values[place] = move
        #expect(distance(Tensor(values, shape: [3, 3])) > least)
      }
    }
    let plain = pair.changes(ofDown: ofDown, ofUp: ofUp, isBalanced: false)
    let other = (plain.down - ofDown).sumOfSquares() + (plain.up - ofUp).sumOfSquares()
    #expect(other > least)
  }

  @Test("from B = 0 the weight moves by the gradient on the rows of A")
  func first() {
    let pair = PairGradient(down: a, up: Tensor(zeros: [12, 3], dtype: .f64), scaling: scaling)
    let changes = pair.changes(
      ofDown: pair.ofDown(gradient), ofUp: pair.ofUp(gradient), isBalanced: true)
    #expect(changes.down.largestMagnitude == 0)
    let wanted = matrixProduct(gradient, projection(transposed(a)))
    #expect(pair.effect(changes).largestDifference(from: wanted) < 1e-10)
  }

  private func layers(_ options: [(String, PlainValue)] = []) throws -> SmallLayers {
    let layers = try SmallLayers(LoRA.self, [("r", 3), ("alpha", 4.5)]) {
      $0.optimizer = try made(LoRAPro.options, options, LoRAPro.init)
    }
    layers.perturb()
    return layers
  }

  @Test("goes along Adam's direction of the weight's gradient, and remembers its averages")
  func steps() throws {
    let layers = try layers([("betas", [0.5, 0.75])])
    let hooks = try layers.adapter.hooks()
    let (down, up) = (layers.adapter.parameters[0], layers.adapter.parameters[1])
    var first = [Double](repeating: 0, count: 96)
    var second = first
    for step in 1...3 {
      let pair = PairGradient(
        down: down.value.cast(to: .f64), up: up.value.cast(to: .f64), scaling: scaling)
      let g = FiniteDifferences.values([12, 8], seed: 10 + step)
      var gradients = Gradients()
      gradients[down.leaf] = pair.ofDown(g).cast(to: .f32)
      gradients[up.leaf] = pair.ofUp(g).cast(to: .f32)
      for hook in hooks { hook.change(&gradients, step: step - 1, of: 9) }
      let seen = pair.effect(
        pair.changes(ofDown: pair.ofDown(g), ofUp: pair.ofUp(g), isBalanced: false)
      ).elements(as: Double.self)
      var direction: [Double] = []
      let corrections = (1 - power(0.5, step), 1 - power(0.75, step))
      for place in seen.indices {
        first[place] = 0.5 * first[place] + 0.5 * seen[place]
        second[place] = 0.75 * second[place] + 0.25 * seen[place] * seen[place]
        let root = (second[place] / corrections.1).squareRoot()
        direction.append(first[place] / corrections.0 / (root + 1e-8))
      }
      let wanted = Tensor(direction, shape: [12, 8])
      let changes = pair.changes(
        ofDown: pair.ofDown(wanted), ofUp: pair.ofUp(wanted), isBalanced: true)
      for (leaf, change) in [(down.leaf, changes.down), (up.leaf, changes.up)] {
        let found = try #require(gradients[leaf]).cast(to: .f64)
        #expect(found.largestDifference(from: change) < 2e-4 * change.largestMagnitude)
      }
      up.value = up.value - (try #require(gradients[up.leaf])).scaled(by: 0.01)
    }
    let names = ["lora_pro.first", "lora_pro.second", "lora_pro.steps"]
    let kept = names.map { "blocks.0.fc." + $0 }
    #expect(layers.adapter.state.map(\.path) == kept)
    #expect(layers.adapter.state[2].value.doubles == [3])
    #expect(layers.adapter.buffers.isEmpty, "the adapter's file has none of it")
    let model = AdaptedModel(
      tree: layers.tree, adapters: [layers.adapter], freezesBackbone: true)
    #expect(Set(kept).isSubset(of: Set(model.buffers.map(\.path))))
    let arePlain = model.policies.values.map(\.isPlain)
    #expect(arePlain == [true, true])
  }

  private func power(_ base: Double, _ count: Int) -> Double {
    (0..<count).reduce(1.0) { value, _ in value * base }
  }

  @Test("leaves gradients that are no numbers to the trainer")
  func notFinite() throws {
    let layers = try layers()
    let hooks = try layers.adapter.hooks()
    let down = layers.adapter.parameters[0]
    var gradients = Gradients()
    gradients[down.leaf] = Tensor(filledWith: .nan, shape: down.shape)
    gradients[layers.adapter.parameters[1].leaf] = Tensor(zeros: [12, 3])
    for hook in hooks { hook.change(&gradients, step: 0, of: 1) }
    #expect(gradients[down.leaf]?.isFinite == false)
    #expect(layers.adapter.state[2].value.doubles == [0])
  }

  @Test("is refused for other methods, and beside a schedule")
  func refusals() throws {
    let other = try SmallLayers(LoRAXS.self, [("r", 2)]) {
      $0.optimizer = try made(LoRAPro.options, [], LoRAPro.init)
    }
    #expect(throws: AdapterError.self) { _ = try other.adapter.hooks() }
    let both = try SmallLayers(LoRA.self) {
      $0.optimizer = try made(LoRAPro.options, [], LoRAPro.init)
      $0.schedule = try made(DyLoRA.options, [], DyLoRA.init)
    }
    #expect(throws: AdapterError.self) { _ = try both.adapter.hooks() }
  }
}
