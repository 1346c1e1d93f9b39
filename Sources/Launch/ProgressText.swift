internal import Foundation

/// Digits after the point.
func fixed(_ value: Double, _ digits: Int) -> String {
  String(format: "%.\(digits)f", value)
}

/// Significant digits, exponents without padding: `0.01234`, `1e-5`, `nan`.
func significant(_ value: Double, _ digits: Int) -> String {
  if abs(value) >= pow(10, Double(digits)), abs(value) < 1e6 { return fixed(value, 0) }
  return String(format: "%.\(digits)g", value)
    .replacing(/e([+-])0*/) { "e\($0.1 == "-" ? "-" : "")" }
}

/// `840M`, `1.2G`, `12G`, in powers of 1024.
func memory(_ bytes: Int) -> String {
  let mebibytes = Double(bytes) / 1_048_576
  if mebibytes < 1000 { return "\(fixed(mebibytes, 0))M" }
  return "\(fixed(mebibytes / 1024, mebibytes < 10_000 ? 1 : 0))G"
}

/// `0:07`, `2:31`, from an hour on `3h05`.
func clock(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "?" }
  let total = Int(seconds.rounded())
  return total < 3600
    ? String(format: "%d:%02d", total / 60, total % 60)
    : String(format: "%dh%02d", total / 3600, total / 60 % 60)
}

/// A bar before the figures of a line.
enum ProgressBar {
  /// The text with a bar before it where `width` has room for one; as it is without a share.
  static func text(_ text: String, share: Double?, width: Int, color: Bool) -> String {
    let room = min(width - text.count - 3, 40)
    guard let share, room >= 6 else { return text }
    let full = Int(min(1, max(0, share)) * Double(room))
    let done = String(repeating: "#", count: full)
    let open = String(repeating: ".", count: room - full)
    return "[\(color ? "\u{1B}[32m\(done)\u{1B}[0m" : done)\(open)] \(text)"
  }
}
