import Foundation

/// What a file of `datasets/` says of one data set: what it is, whose it is, how recipes read it, and
/// where it is fetched.
///
/// A card holds facts with their origin; what is not known is left out.
package struct DataCard: Sendable {
  package struct License: Sendable, Hashable {
    /// As the publisher states it; `none stated` where there is none.
    package let text: String
    package let address: String?
  }

  /// What stands between a user and the files: an account, a form, a click.
  package struct Terms: Sendable, Hashable {
    package let text: String
    package let address: String?
    /// Where the files go after a download by hand, and under which names.
    package let placement: String
  }

  /// Published mean and deviation of each channel of an input.
  ///
  /// They are of stored values unless `unit` says otherwise, for people to compare with: a run computes
  /// its own, unless its recipe names them.
  package struct Statistics: Sendable, Hashable {
    package let input: String
    package let channels: [String]
    package let means: [Double]
    package let standardDeviations: [Double]
    package let unit: String?
    /// Who computed them, over what.
    package let source: String
  }

  /// A file of the data set.
  package struct File: Sendable, Hashable {
    /// Below the folder of the data set; never leads out of it.
    package let path: String
    /// `http`, `https` or `file`; nil where it is to be had by hand only.
    package let address: String?
    package let bytes: Int?
    package let digest: FileDigest?
    /// Unpacked in place after the download.
    package let isUnpacked: Bool
  }

  package let name: String
  package let title: String
  /// One sentence: what was measured or computed, where, when.
  package let summary: String
  package let tasks: [String]
  package let license: License
  package let citation: String?
  package let homepage: String?
  /// How large the whole is, in words; the files' bytes say it exactly where they are known.
  package let size: String?
  /// How the files lie.
  package let layout: String?
  /// Defaults of a recipe's `data`, with canonical keys and their places in the card; nil where no
  /// reader takes the data set as it is published.
  package let data: Located?
  package let statistics: [Statistics]
  package let files: [File]
  package let terms: Terms?
  package let notes: [String]
  /// SHA-256 of the card's text.
  package let sha256: String

  /// What a recipe that names this card keeps of it.
  package var note: Note { Note(name: name, license: license.text, sha256: sha256) }

  /// Where the defaults of a data section come from.
  package struct Note: Codable, Sendable, Hashable {
    package let name: String
    package let license: String
    /// Of the card's text.
    package let sha256: String
  }

  /// Bytes of all files; nil where one is unknown.
  package var totalBytes: Int? {
    guard !files.isEmpty else { return nil }
    let known = files.compactMap(\.bytes)
    return known.count == files.count ? known.reduce(0, +) : nil
  }

  /// Whether all files have an address that needs no consent.
  package var isFetchable: Bool {
    terms == nil && !files.isEmpty && files.allSatisfy { $0.address != nil }
  }
}
