import Foundation

/// Letters of 5×7 pixels with two rows below the line, for captions in pictures: printable ASCII.
enum BitmapFont {
  /// Columns from one letter to the next, and rows of a letter.
  static let advance = 6
  static let height = 9

  /// Rows from above of each letter from the space on, one digit of base 32 each: its five bits are the
  /// pixels from left to right.
  private static let glyphs: [[UInt8]] = """
    000000000 444440400 aaa000000 aavavaa00 4fke5u400 op248j300 cik8lid00 444000000
    248884200 842224800 04lel4000 044v44000 00000c480 000v00000 00000cc00 01248g000
    ehjlphe00 4c4444e00 eh1248v00 v2421he00 26aiv2200 vgu11he00 68guhhe00 v12488800
    ehhehhe00 ehhf12c00 0cc0cc000 0cc0c4800 248g84200 00v0v0000 842124800 eh1240400
    eh1dlle00 4ahhvhh00 uhhuhhu00 ehggghe00 uhhhhhu00 vgguggv00 vgguggg00 ehgnhhf00
    hhhvhhh00 e44444e00 72222ic00 hikokih00 ggggggv00 hrllhhh00 hhpljhh00 ehhhhhe00
    uhhuggg00 ehhhlid00 uhhukih00 fgge11u00 v44444400 hhhhhhe00 hhhhha400 hhhllla00
    hha4ahh00 hha444400 v1248gv00 e88888e00 0g8421000 e22222e00 4ah000000 0000000v0
    842000000 00e1fhf00 gguhhhu00 00ehghe00 11fhhhf00 00ehvge00 68s888800 00fhhhf1e
    gguhhhh00 40c444e00 2062222ic ggikoki00 c44444e00 00qllll00 00uhhhh00 00ehhhe00
    00uhhhugg 00fhhhf11 00mpggg00 00fge1u00 88s889600 00hhhhf00 00hhha400 00hhlla00
    00ha4ah00 00hhhhf1e 00v248v00 244844200 444444400 844244800 008l20000
    """.split(whereSeparator: \.isWhitespace).map { word in word.utf8.map(digit) }

  /// Value of a digit of base 32.
  private static func digit(_ letter: UInt8) -> UInt8 {
    letter < UInt8(ascii: "a") ? letter - UInt8(ascii: "0") : letter - UInt8(ascii: "a") + 10
  }

  /// The text in letters that the font has: accents are dropped, what remains unknown becomes `?`.
  static func spelled(_ text: String) -> String {
    let plain = text.folding(options: .diacriticInsensitive, locale: nil)
    return String(plain.map { (" "..."~").contains($0) && $0.isASCII ? $0 : "?" })
  }

  /// Columns and rows of the lit pixels of a text, from its upper left corner.
  static func pixels(of text: String) -> [(column: Int, row: Int)] {
    var pixels: [(column: Int, row: Int)] = []
    for (position, letter) in spelled(text).utf8.enumerated() {
      for (row, bits) in glyphs[Int(letter) - 32].enumerated() {
        for column in 0..<5 where (bits >> (4 - column)) & 1 == 1 {
          pixels.append((position * advance + column, row))
        }
      }
    }
    return pixels
  }
}
