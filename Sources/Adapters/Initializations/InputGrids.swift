import Layers
import Recipes
import Synchronization
import Tensors

/// First grids of layers' inputs, each fitted to what enters the layer on training samples.
///
/// The method `efficientdm` names it itself; without samples targets stay as they are.
struct InputGrids: AdapterInitialization {
  static let name = "input-grids"
  static let summary = "grids of layers' inputs, fitted to training samples"
  static let options: OptionTable = []
  static let needs = CalibrationNeed.data
  static let findsValues = true
  /// Numbers of one layer that a grid is fitted to, evenly spread.
  private static let mostNumbers = 16_384

  let bits: Int
  let samples: Int

  init(_ options: OptionReader, _ diagnostics: Diagnostics) { self.init(bits: 8, samples: 16) }
  init(bits: Int, samples: Int) { (self.bits, self.samples) = (bits, samples) }

  func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    guard let probe = plan.probe else { return targets }
    let wanted = Set(targets.map(\.site.path))
    let count = min(samples, probe.count)
    let found = Mutex<[String: [Float]]>([:])
    try probe.inputs(samples: 0..<count) { path, input in
      guard wanted.contains(path) else { return }
      let values = input.cast(to: .f32).elements(as: Float.self)
      let stride = max(1, values.count / Self.mostNumbers)
      let (low, high) = (values.min() ?? 0, values.max() ?? 0)
      let spread =
        [low, high] + Swift.stride(from: 0, to: values.count, by: stride).map { values[$0] }
      found.withLock { $0[path, default: []] += spread }
    }
    return try targets.map { target in
      guard let values = found.withLock({ $0[target.site.path] }) else {
        throw AdapterError.unsupported(
          module: target.site.path, method: EfficientDM.name,
          reason: "nothing entered the layer on the samples. Leave it out of target_modules")
      }
      var prepared = target
      prepared.inputGrid = AffineGrid(fitting: values, bits: bits)
      return prepared
    }
  }
}
