import Recipes

extension FetchError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .needsConsent(let card, let terms, let missing):
      "\(card): \(terms.text) Not in place yet: \(Self.list(missing)). "
        + (terms.address.map { "See \($0). " } ?? "") + terms.placement
    case .nothingToFetch(let card, let homepage):
      "\(card): the card knows no address of its files. "
        + (homepage.map { "See \($0), download" } ?? "Download")
        + " them by hand, and give the folder as data.root."
    case .nothingSelected(let card, let patterns, let known):
      "\(card): no file matches \(patterns.joined(separator: ", ")). It has \(Self.list(known))."
    case .serverAway(let address, let reason, let tries):
      "\(address): \(reason), after \(tries) tries. Run the same command later: it goes on where it "
        + "stopped."
    case .refused(let address, let status):
      "\(address): the server refuses (status \(status)). Look at the data set's page for what it "
        + "asks, or download the file by hand."
    case .missing(let address, let status):
      "\(address): no such file\(status.map { " (status \($0))" } ?? ""). Look at the data set's page "
        + "for its new address, and correct the card."
    case .sizeDiffers(let path, let expected, let found):
      "\(path): \(found) bytes, expected \(expected). The publisher may have a new version: compare "
        + "with the data set's page, and correct the card."
    case .digestDiffers(let path, let expected, let found, let kept):
      "\(path): the digest is \(found), expected \(expected). What arrived is kept as \(kept) to look "
        + "at; the next fetch starts afresh."
    case .presentDiffers(let path, let expected, let found):
      "\(path): exists already with \(found), expected \(expected). Move it away to fetch it again."
    case .leadsOut(let path, let part):
      "\(path): \(part) is a link or no folder, and nothing is written through it. Remove it, or "
        + "choose another folder with -o."
    case .inUse(let path):
      "\(path): another process is fetching this file. Wait for it, or end it."
    case .noSpace(let path, let needed, let free):
      "\(path): \(ByteCount.short(needed)) are still to come, the disk has \(ByteCount.short(free)). "
        + "Make room, choose another folder with -o, or fewer files with --only."
    case .cannotCreate(let path, let reason):
      "\(path): cannot be created (\(reason)). Choose another folder with -o."
    case .writeFailed(let path, let reason):
      "\(path): writing failed (\(reason)). Check the disk, and run the same command again."
    case .stopped(let path):
      "\(path): stopped on request. Run the same command again: it goes on where it stopped."
    }
  }

  private static let shownNames = 12

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(shownNames).joined(separator: ", ")
    let rest = names.count - shownNames
    return rest > 0 ? "\(shown) and \(rest) more" : shown
  }
}

/// Sizes for people.
package enum ByteCount {
  /// `512 B`, `12 kB`, `3.4 MB`, `47 GB`, `2.3 TB`, in powers of 1000.
  package static func short(_ bytes: Int) -> String {
    var value = Double(bytes)
    var unit = 0
    let units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    let rounded = (value * 10).rounded() / 10
    let digits = unit > 0 && rounded < 10 && rounded != rounded.rounded() ? "\(rounded)" : nil
    return "\(digits ?? "\(Int(value.rounded()))") \(units[unit])"
  }
}
