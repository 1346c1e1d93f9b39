import Adapters
import Recipes
import Tensors
import TestSupport
import Testing

/// Kinds of places that an adapter can stand on.
enum Place: String, CaseIterable, Sendable {
  case linear, rows, convolution2D, convolution3D, groupedConvolution, block

  /// What a method must declare for it.
  var needed: AdapterCapabilities {
    switch self {
    case .linear: [.linear]
    case .rows: [.linear, .rows]
    case .convolution2D: [.convolution2D]
    case .convolution3D: [.convolution3D]
    case .groupedConvolution: [.convolution2D, .groups]
    case .block: [.blocks]
    }
  }
}

/// An adaptation method of the registry at one kind of place.
struct AdapterCase: Sendable, CustomTestStringConvertible {
  let method: any AdapterMethod.Type
  let place: Place
  /// Options of a form of the method that is tested besides its plain one.
  var form: Form?
  var testDescription: String { "\(form?.name ?? method.name) on \(place.rawValue)" }

  struct Form: Sendable {
    let name: String
    let options: [(String, PlainValue)]
    /// As `AdapterMethod.detachedGradients`.
    var detached: [String] = []
    /// Where the form is tested; nil for wherever the method can stand.
    var places: Set<Place>?
  }

  /// Forms of methods by the method's name.
  private static let forms: [String: [Form]] = [
    "lora": [
      Form(name: "dora", options: [("use_dora", true)], detached: ["lora_A", "lora_B"]),
      Form(name: "kasa", options: [("use_kasa", true)]),
      Form(name: "lora with bias", options: [("lora_bias", true)]),
    ],
    "shira": ["struct", "wm", "grad", "snip"].map { mask in
      Form(name: "shira by \(mask)", options: [("mask_type", .text(mask))])
    },
    "loram": [
      Form(
        name: "loram by columns", options: [("rows", []), ("columns", ["layer"])],
        places: [.linear])
    ],
    "qlora": [Form(name: "qlora in int8", options: [("quant_type", "int8")])],
    "s2ft": [
      Form(
        name: "s2ft by outputs", options: [("slices", slice("column", 3..<7))], places: [.linear])
    ],
  ]

  /// Parts of parameter names whose gradient is not the output's derivative.
  var detached: [String] { method.detachedGradients + (form?.detached ?? []) }

  /// Whether a file has every value by itself: KaSA's diagonal goes out inside B.
  var isSavedValueByValue: Bool { form?.name != "kasa" }

  /// Whether the first output must be the base's.
  var startsWithoutEffect: Bool {
    method.capabilities.contains(.zeroStart) && form?.name != "kasa"
  }

  /// Every method at every place where it can stand.
  static let all = adapterMethods.entries.flatMap { method in
    let places = Place.allCases.filter { method.capabilities.isSuperset(of: $0.needed) }
    return places.map { AdapterCase(method: method, place: $0) }
      + (forms[method.name] ?? []).flatMap { form in
        places.filter { $0 != .groupedConvolution || form.name == "lora with bias" }
          .filter { form.places?.contains($0) ?? true }
          .map { AdapterCase(method: method, place: $0, form: form) }
      }
  }

  static func having(_ capability: AdapterCapabilities) -> [AdapterCase] {
    all.filter { $0.method.capabilities.isSuperset(of: capability) }
  }

  /// Options with which a method stands on the small layers of these tests (8 inputs and 12 outputs,
  /// 4 and 6 channels, blocks of width 8), where its defaults do not.
  private static let settings: [String: [(String, PlainValue)]] = [
    "adalora": [("init_r", 4)],
    "adaptformer": [("h", 4)],
    "autolora": [("adapters", .list((SavedPairs.ofBattery?.paths ?? []).map { .path($0) }))],
    "c3a": [("block_size", 4)],
    "comp-lora": [("r", 2)],
    "compacter": [("h", 4)],
    "conformer": [("h", 3), ("kernel", 3)],
    "efficientdm": [("activation_bits", 0)],
    "flylora": [("k", 2), ("sparsity", 0.5)],
    "invertible": [("h", 3)],
    "fourierft": [("n_frequency", 20)],
    "frod": [("sparse_rate", 0.1)],
    "houlsby": [("h", 4)],
    "increlora": [("r", 1), ("max_r", 4)],
    "lokr": [("r", 1)],
    "lost": [("r", 2), ("columns", 0.25)],
    "loram": [("rows", ["layer"]), ("ratio", 0.25)],
    "loramoe": [("r", 2), ("n_experts", 4)],
    "lt-sft": [("density", 0.2)],
    "meteora": [("adapters", .list((SavedPairs.ofBattery?.paths ?? []).map { .path($0) }))],
    "nola": [("bases", 6)],
    "oft": [("r", 0), ("oft_block_size", 4)],
    "one-bit": [("h", 4)],
    "one-quant-llm": [("bits", [4])],
    "parallel": [("h", 4)],
    "peanut": [("depth", 2)],
    "pfeiffer": [("h", 4)],
    "poly": [("n_splits", 2), ("n_skills", 3), ("n_tasks", 2), ("task", 1)],
    "q-adapter": [("h", 4), ("n_queries", 3)],
    "qwha": [("r", 2), ("scaling", 20)],
    "road": [("group_size", 4)],
    "s2ft": [("slices", slice("row", 2..<5))],
    "s-sam": [("fraction_trainable", .number(0.7))],
    "salt": [("ratio", .number(0.25)), ("r_lora", 3)],
    "shira": [("r", 2)],
    "sltrain": [("r", 2), ("density", 0.1)],
    "snell": [("q", 4)],
    "soka": [("r", 2)],
    "spiel": [("r", 2)],
    "supertuning": [("sparsity", 0.75)],
    "tinylora": [("u", 8)],
    "tlora": [("cores", 2), ("residual_rank", 2)],
    "unilora": [("theta_d_length", 16)],
    "vblora": [("num_vectors", 6), ("vector_length", 4)],
    "vl-adapter": [("h", 4), ("sharing", "shared-down"), ("n_tasks", 2), ("task", 1)],
    "wara-weight": [("r", 2)],
    "waveft": [("n_frequency", 20), ("wavelet_family", "db2")],
  ]

  /// Units of the layer that S²FT trains.
  private static func slice(_ kind: String, _ units: Range<Int>) -> PlainValue {
    .map([
      .init(
        "block.0.layer",
        .map([
          .init("kind", .text(kind)), .init("start", .integer(units.lowerBound)),
          .init("end", .integer(units.upperBound)),
        ]))
    ])
  }

  /// The method with rank 4 and scaling 1.5 where it has such options, and its own settings.
  func makeMethod() throws -> any AdapterMethod {
    let special = form?.options ?? []
    let own = (Self.settings[method.name] ?? []).filter { field in
      !special.contains { $0.0 == field.0 }
    }
    let general: [(String, PlainValue)] = [("r", 4), ("alpha", 6)]
    let wanted =
      general.filter { field in
        method.options.names.contains(field.0) && !own.contains { $0.0 == field.0 }
      } + own + special
    return try method.made(wanted)
  }
}

extension AdapterMethod {
  /// The method with these of its own options.
  static func made(_ fields: [(String, PlainValue)]) throws -> Self {
    try AdaptersTests.made(options, fields, Self.init)
  }
}

/// A component with options of a recipe, by its table.
func made<Component>(
  _ table: OptionTable, _ fields: [(String, PlainValue)],
  _ make: (OptionReader, Diagnostics) -> Component
) throws -> Component {
  let diagnostics = Diagnostics()
  let reader = OptionReader(
    Located(
      plain: .map(fields.map { PlainValue.Field($0.0, $0.1) }),
      at: SourceLocation(source: "test")), table, diagnostics)
  let component = make(reader, diagnostics)
  try diagnostics.throwErrors()
  return component
}
