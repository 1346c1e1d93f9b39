/// What a plain YAML scalar means: the core schema of YAML 1.2, but only `true` and `false` are
/// booleans, so that `yes`, `on` and `True` are texts.
enum CoreScalar {
  static func value(of text: String) -> PlainValue {
    switch text {
    case "", "~", "null": return .null
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case ".inf", "+.inf": return .number(.infinity)
    case "-.inf": return .number(-.infinity)
    case ".nan": return .number(.nan)
    default: break
    }
    if text.wholeMatch(of: /[-+]?[0-9]+/) != nil, let integer = Int(text) {
      return .integer(integer)
    }
    if let hexadecimal = text.wholeMatch(of: /0x([0-9a-fA-F]+)/),
      let integer = Int(hexadecimal.1, radix: 16)
    {
      return .integer(integer)
    }
    if text.wholeMatch(of: /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/) != nil,
      let number = Double(text)
    {
      return .number(number)
    }
    return .text(text)
  }
}
