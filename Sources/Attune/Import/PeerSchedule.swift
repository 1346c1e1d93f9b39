import Recipes
import Training

/// A schedule of the learning rate by PyTorch's class and options, on its way into a recipe.
struct PeerSchedule {
  /// What lengths are counted in.
  enum Unit { case epochs, steps }

  private let options: Located?
  private let unit: Unit
  /// Fields of `train.lr_scheduler`.
  private var fields: [PlainValue.Field] = []
  /// Options that were read, or that say nothing of the rate.
  private var taken: Set<String> = ["last_epoch", "verbose", "interval", "frequency", "name"]
  private var notes: [String] = []

  private init(_ options: Located?, _ unit: Unit) {
    self.options = options
    self.unit = unit
  }

  /// Sets the schedule of a class.
  ///
  /// - Parameters:
  ///   - name: The class without its module.
  ///   - options: By PyTorch's names.
  ///   - path: Key of the options, for those that cannot be had: each is recorded.
  ///   - unit: What lengths are counted in.
  ///   - translation: Takes the fields.
  /// - Returns: The fate of the class's key.
  static func translate(
    _ name: String, options: Located?, at path: String, unit: Unit,
    _ translation: inout Translation
  ) -> ImportOutcome {
    var schedule = PeerSchedule(options, unit)
    guard schedule.read(name) else {
      return .unmappable(
        "schedule \(name)\(unit == .epochs ? " counted in epochs" : "") is not offered; choose one of "
          + schedulers.names.joined(separator: ", "))
    }
    for entry in options?.entries ?? []
    where !schedule.taken.contains(entry.key) && !entry.value.isNull {
      translation.recordBeside(
        "\(path).\(entry.key)", entry.value,
        .unmappable("\(schedule.name) has no such option"))
    }
    for field in schedule.fields {
      translation.set("train.lr_scheduler.\(field.key)", field.value)
    }
    return .mapped(schedule.notes.isEmpty ? nil : schedule.notes.joined(separator: "; "))
  }

  private var name: String { fields.first?.value.scalarText ?? "" }

  /// Reads a class's options; false for a class without a counterpart.
  private mutating func read(_ name: String) -> Bool {
    switch name {
    case "CosineAnnealingLR":
      begin("cosine", wholeRun: "T_max")
      take("eta_min", as: "min_lr")
      if unit == .epochs { notes.append("the rate falls with every step, not every epoch") }
    case "CosineAnnealingWarmRestarts":
      begin("cosine-restarts")
      take("T_mult", as: "t_mult")
      take("eta_min", as: "min_lr")
      takeFirstCycle()
    case "ReduceLROnPlateau":
      begin("plateau")
      take("factor", as: "factor")
      take("patience", as: "patience")
      take("min_lr", as: "min_lr")
      taken.formUnion(["monitor", "mode", "strict", "reduce_on_plateau"])
    case "StepLR" where unit == .steps:
      begin("step")
      take("step_size", as: "step_size")
      take("gamma", as: "gamma")
    case "ConstantLR" where options?["factor"]?.number == 1:
      begin("constant", wholeRun: "total_iters")
      taken.insert("factor")
    case "PolynomialLR" where options?["power"]?.number ?? 1 == 1:
      begin("linear", wholeRun: "total_iters")
      taken.insert("power")
      notes.append("a polynomial of power 1 is a straight line")
    default: return false
    }
    return true
  }

  private mutating func begin(_ name: String, wholeRun length: String? = nil) {
    fields.append(.init("name", .text(name)))
    guard let length else { return }
    taken.insert(length)
    if options?[length] != nil { notes.append("\(length) is taken for the whole run") }
  }

  private mutating func take(_ option: String, as field: String) {
    taken.insert(option)
    if let value = options?[option], !value.isNull { fields.append(.init(field, value.plain)) }
  }

  private mutating func takeFirstCycle() {
    taken.insert("T_0")
    guard let first = options?["T_0"]?.number, let length = Int(exactly: first) else { return }
    fields.append(
      .init("t_0", unit == .epochs ? .text("\(length) epochs") : .integer(length)))
  }
}
