import Recipes

/// Transforms by the names of albumentations and of OpenMMLab.
enum PeerTransforms {
  /// Adds one of albumentations' transforms to the recipe's.
  static func albumentation(
    _ value: Located, _ translation: inout Translation
  ) -> ImportOutcome {
    let name = className(value)
    let arguments = value["init_args"] ?? value
    let chance = arguments["p"]?.number
    func size() -> PlainValue {
      if let height = arguments["height"]?.plain, let width = arguments["width"]?.plain {
        return height == width ? height : .list([height, width])
      }
      return arguments["size"]?.plain ?? 224
    }
    if isConversion(value) { return .defaulted("images become tensors in any case") }
    switch name {
    case "HorizontalFlip": return add("horizontal-flip", chance, [], &translation)
    case "VerticalFlip": return add("vertical-flip", chance, [], &translation)
    case "Transpose": return add("transpose", chance, [], &translation)
    case "RandomRotate90":
      guard chance == nil || chance == 1 else {
        return .unmappable("turns are uniform over the four here, p has no counterpart")
      }
      return add("random-rotate90", nil, [], &translation)
    case "D4":
      // A quarter turn and a mirror, each even: the eight symmetries of the square alike.
      _ = add("random-rotate90", nil, [], &translation)
      return add("horizontal-flip", nil, [], &translation)
    case "RandomCrop": return add("random-crop", nil, [.init("size", size())], &translation)
    case "CenterCrop": return add("center-crop", nil, [.init("size", size())], &translation)
    case "Resize": return add("resize", nil, [.init("size", size())], &translation)
    case "RandomResizedCrop":
      var fields: [PlainValue.Field] = [.init("size", size())]
      for key in ["scale", "ratio"] {
        if let range = arguments[key]?.plain { fields.append(.init(key, range)) }
      }
      return add("random-resized-crop", nil, fields, &translation)
    case "Rotate":
      return add(
        "rotate", chance ?? 0.5, [.init("degrees", arguments["limit"]?.plain ?? 90)], &translation)
    default: return .unmappable("transform \(name) is not offered")
    }
  }

  /// Whether a transform only changes how an image lies in memory.
  static func isConversion(_ value: Located) -> Bool {
    [
      "ToTensorV2", "FlattenTemporalIntoChannels", "UnflattenTemporalFromChannels", "Rearrange",
      "LoadImageFromFile", "LoadAnnotations", "PackSegInputs", "DefaultFormatBundle", "Collect",
      "LoadSingleRSImageFromFile",
    ].contains(className(value))
  }

  static func isDeterministic(_ value: Located) -> Bool {
    ["Resize", "CenterCrop"].contains(className(value))
  }

  private static func className(_ value: Located) -> String {
    (value["class_path"] ?? value["type"]).map(PeerTraining.className)
      ?? PeerTraining.className(value)
  }

  /// Appends to `data.transforms`.
  static func add(
    _ name: String, _ probability: Double?, _ fields: [PlainValue.Field],
    _ translation: inout Translation
  ) -> ImportOutcome {
    let chance = probability.map { [PlainValue.Field("probability", .number($0))] } ?? []
    let all = [PlainValue.Field("name", .text(name))] + fields + chance
    var list: [PlainValue] = []
    if case .list(let own)? = translation.draft["data.transforms"] { list = own }
    list.append(all.count == 1 ? .text(name) : .map(all))
    translation.set("data.transforms", .list(list))
    return .mapped()
  }
}
