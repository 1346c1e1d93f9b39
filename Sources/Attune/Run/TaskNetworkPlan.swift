import Backbones
import Layers
import Recipes
import Tasks

/// Head or decoder and neck of a recipe after reading, before the data's classes are known.
struct TaskNetworkPlan {
  private let form: OutputForm
  private let decoder: (type: any Decoder.Type, options: OptionReader)?
  private let neck: (type: any Neck.Type, options: OptionReader)?
  private let backbone: any Backbone.Type
  private let location: SourceLocation

  /// Reads `model.decoder`, `model.neck` and `model.head_dropout` for a task, or its defaults.
  ///
  /// The head of an architecture is taken where the recipe asks for none, or for `linear`.
  init(
    _ model: ModelSection, form: OutputForm, backbone: any Backbone.Type,
    at location: SourceLocation, _ diagnostics: Diagnostics
  ) {
    self.form = form
    self.backbone = backbone
    self.location = location
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(.rule(reason, mend: mend), at: location, path: "model.\(field)")
    }
    let isPlain = model.decoder.map { $0.name == LinearHead.name && $0.options.isEmpty } ?? true
    let hasOwn =
      switch form {
      case .vector: backbone.hasHead && isPlain && model.headDropout == 0
      case .map: false
      case .image: true
      }
    if form == .image {
      if !backbone.givesImages {
        refuse("backbone", "\(backbone.name) gives no images", mend: "choose nafnet")
      }
      if model.decoder != nil { refuse("decoder", "the task takes none", mend: "remove it") }
    }
    guard !hasOwn else {
      if let own = model.decoder { _ = OptionReader(own, LinearHead.options, diagnostics) }
      if model.neck != nil { refuse("neck", "the task takes no neck", mend: "remove it") }
      decoder = nil
      neck = nil
      return
    }
    let registry = form == .vector ? heads : decoders
    decoder = Self.chosen(
      model.decoder, registry, standard: form == .vector ? LinearHead.name : UPerNet.name,
      dropout: model.headDropout, at: location, diagnostics)
    if model.headDropout > 0, model.decoder != nil {
      refuse(
        "head_dropout", "it belongs to the task's own head",
        mend: "give the option dropout of model.decoder")
    }
    guard let decoder, decoder.type.needsPyramid else {
      if model.neck != nil {
        refuse(
          "neck", "\(decoder?.type.name ?? "the decoder") takes no pyramid", mend: "remove it")
      }
      neck = nil
      return
    }
    if let component = model.neck {
      neck = necks.entry(for: component, diagnostics).map {
        ($0, OptionReader(component, $0.options, diagnostics))
      }
    } else {
      neck = (
        LearnedNeck.self,
        OptionReader(
          Located(.map([]), at: location, path: "model.neck"), LearnedNeck.options, diagnostics)
      )
    }
  }

  private static func chosen(
    _ component: Component?, _ registry: Registry<any Decoder.Type>, standard: String,
    dropout: Double, at location: SourceLocation, _ diagnostics: Diagnostics
  ) -> (type: any Decoder.Type, options: OptionReader)? {
    if let component {
      return registry.reading(component, diagnostics).map { ($0.entry, $0.reader) }
    }
    guard let type = registry[standard] else { return nil }
    let fields =
      dropout > 0
      ? [
        Located.Entry(
          key: "dropout", keyLocation: location,
          value: Located(.number(dropout), at: location, path: "model.head_dropout"))
      ] : []
    let given = Located(.map(fields), at: location, path: "model.decoder")
    return (type, OptionReader(given, type.options, diagnostics))
  }

  /// What the backbone is told of the data: the classes, where they are known and the head is its own.
  func shape(_ data: DataShape, outputs: Int?) -> DataShape {
    var data = data
    data.classes = form == .vector && decoder == nil ? outputs : nil
    return data
  }

  /// Builds the task's parts beside the backbone.
  func network(
    on backbone: any Backbone, outputs: Int, in scope: Scope, _ diagnostics: Diagnostics
  ) -> TaskNetwork {
    guard let decoder else {
      return TaskNetwork(backbone: backbone, neck: nil, decoder: nil, form: form)
    }
    guard let features = backbone.featureShape else {
      diagnostics.error(
        .rule(
          "\(self.backbone.name) offers no features to a head or decoder",
          mend: "choose another backbone for this task"), at: location, path: "model.backbone")
      return TaskNetwork(backbone: backbone, neck: nil, decoder: nil, form: form)
    }
    let neck = self.neck.map {
      $0.type.init(
        $0.options, features: features, in: scope / TaskNetwork.neckScope, diagnostics)
    }
    return TaskNetwork(
      backbone: backbone, neck: neck,
      decoder: decoder.type.init(
        decoder.options, features: neck?.features ?? features, outputs: outputs,
        in: scope / TaskNetwork.decoderScope, diagnostics), form: form)
  }
}
