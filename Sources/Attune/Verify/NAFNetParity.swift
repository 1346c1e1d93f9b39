import Backbones
import Formats
import Layers
import Tensors

/// Runs cases of family `nafnet`: restoration, loss in decibels, gradients.
enum NAFNetParity: ParityFamily {
  static let name = "nafnet"

  static func run(_ parityCase: ParityCase) throws -> ParityRun {
    guard let config = parityCase.description["config"]?.object else {
      throw VerifyError("\(parityCase.name): no config")
    }
    let builder = ModelBuilder()
    let nafnet = NAFNet(
      try NAFNetConfiguration(reference: config, name: parityCase.name), in: builder.root)
    let model = try ParityModel(parityCase, builder.tree.stored, nafnet.layouts[0])
    return try model.run { input in
      let output = nafnet(
        BackboneInput(try input("image")), maps: Set(nafnet.stages.indices), model.context)
      var tensors: [String: Tensor] = [:]
      tensors["output.image"] = output.prediction
      for (name, value) in output.features.named { tensors["output.act." + name] = value }
      return tensors
    }
  }
}

extension NAFNetConfiguration {
  /// Reads the reference's constructor arguments.
  init(reference config: JSONObject, name: String) throws {
    func integer(_ key: String) throws -> Int {
      guard let value = config[key]?.integer else {
        throw VerifyError("\(name): config.\(key) is not a whole number")
      }
      return value
    }
    func integers(_ key: String) throws -> [Int] {
      guard let values = config[key]?.array?.map(\.integer), !values.contains(nil) else {
        throw VerifyError("\(name): config.\(key) is not a list of whole numbers")
      }
      return values.compactMap { $0 }
    }
    let isLocal = config["type"]?.string == "NAFNetLocal"
    self.init(
      channels: try integer("img_channel"), width: try integer("width"),
      encoderBlocks: try integers("enc_blk_nums"), middleBlocks: try integer("middle_blk_num"),
      decoderBlocks: try integers("dec_blk_nums"),
      localTrainingSize: isLocal ? Array(try integers("train_size").suffix(2)) : nil)
  }
}
