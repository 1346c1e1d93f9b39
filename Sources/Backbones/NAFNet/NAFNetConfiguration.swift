import Recipes

/// Sizes and options of NAFNet (arXiv 2204.04676; reference code megvii-research/NAFNet).
package struct NAFNetConfiguration: Sendable, Equatable {
  /// What a block is made of.
  package enum Block: String, Sendable, CaseIterable {
    /// Gates in place of activations, simplified channel attention.
    case nafnet
    /// The paper's baseline: GELU and squeeze-and-excitation.
    case baseline
  }

  /// Of the images.
  package var channels: Int
  /// Channels at full resolution; they double at each level.
  package var width: Int
  /// Blocks of each level on the way down.
  package var encoderBlocks: [Int]
  package var middleBlocks: Int
  /// Blocks of each level on the way up, coarsest first.
  package var decoderBlocks: [Int]
  package var block: Block
  /// Height and width of the training images from which local pooling takes its windows
  /// (arXiv 2112.04491); nil pools over the whole image.
  package var localTrainingSize: [Int]?

  package init(
    channels: Int = 3, width: Int, encoderBlocks: [Int], middleBlocks: Int, decoderBlocks: [Int],
    block: Block = .nafnet, localTrainingSize: [Int]? = nil
  ) {
    self.channels = channels
    self.width = width
    self.encoderBlocks = encoderBlocks
    self.middleBlocks = middleBlocks
    self.decoderBlocks = decoderBlocks
    self.block = block
    self.localTrainingSize = localTrainingSize
  }

  /// Halvings of the image.
  package var levels: Int { encoderBlocks.count }
  /// Height and width are padded to multiples of this.
  package var unit: Int { 1 << levels }

  static let options: OptionTable = [
    Option(
      "width", .integer, default: 32, range: .atLeast(1),
      "Channels at full resolution, doubled at each level; 32 and 64 are released."),
    Option(
      "enc_blk_nums", .list(.integer), default: [2, 2, 4, 8], range: .atLeast(0),
      "Blocks of each level on the way down (SIDD; GoPro and REDS: 1, 1, 1, 28)."),
    Option(
      "middle_blk_num", .integer, default: 12, range: .atLeast(0),
      "Blocks at the lowest resolution (SIDD; GoPro and REDS: 1)."),
    Option(
      "dec_blk_nums", .list(.integer), default: [2, 2, 2, 2], range: .atLeast(0),
      "Blocks of each level on the way up, coarsest first (SIDD; GoPro and REDS: 1, 1, 1, 1)."),
    Option(
      "block", .choice(Block.self), default: "nafnet",
      "Block of NAFNet, or of the paper's baseline with GELU and squeeze-and-excitation."),
    Option(
      "local", .boolean, default: false,
      "Pools over windows of one and a half training images in place of the whole image "
        + "(NAFNetLocal)."),
    Option(
      "train_size", .either([.integer, .list(.integer, count: 2...2)]), default: 256,
      range: .atLeast(1), unit: "pixels",
      "Side, or height and width, of the images that the network was trained on; for local."),
  ]

  /// Reads the options; contradictions go to `diagnostics`.
  init(_ reader: OptionReader, channels: Int, _ diagnostics: Diagnostics) {
    let sides = reader.optionalInt("train_size").map { [$0, $0] } ?? reader.ints("train_size")
    self.init(
      channels: channels, width: max(1, reader.int("width")),
      encoderBlocks: reader.ints("enc_blk_nums"), middleBlocks: reader.int("middle_blk_num"),
      decoderBlocks: reader.ints("dec_blk_nums"), block: reader.choice("block", as: Block.self),
      localTrainingSize: reader.bool("local") && sides.count == 2 ? sides : nil)
    if encoderBlocks.count != decoderBlocks.count {
      diagnostics.error(
        .rule(
          "enc_blk_nums \(encoderBlocks) has \(encoderBlocks.count) levels, dec_blk_nums "
            + "\(decoderBlocks) has \(decoderBlocks.count)",
          mend: "give both one number for each level"),
        at: reader.location, path: reader.path + ".dec_blk_nums")
      decoderBlocks = encoderBlocks
    }
    if block == .baseline, width % 2 != 0 {
      diagnostics.error(
        .rule("block baseline halves the width, which is \(width)", mend: "use an even width"),
        at: reader.location, path: reader.path + ".width")
    }
    if encoderBlocks.count > 16 {
      diagnostics.error(
        .rule(
          "enc_blk_nums has \(encoderBlocks.count) levels", mend: "use 16 at most, usually 4"),
        at: reader.location, path: reader.path + ".enc_blk_nums")
      (encoderBlocks, decoderBlocks) = ([], [])
    }
  }
}
