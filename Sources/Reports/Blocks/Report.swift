package import Foundation
package import Recipes

/// A whole document as data: the records it speaks of and the blocks that say it.
///
/// `report.json` holds this value; the HTML and Markdown files are set from it alone.
package struct Report: Codable, Sendable, Equatable {
  package static let currentFormat = "attune-report/1"

  package var format = Report.currentFormat
  package var title: String
  package var sections: [Section]
  /// The runs it was made from; a comparison leaves their sample pictures out.
  package var records: [RunRecord]
  /// Only in a comparison.
  package var comparison: ComparisonSummary?

  package struct Section: Codable, Sendable, Equatable {
    package var title: String
    package var blocks: [Block]

    package init(title: String, blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// JSON on one line with sorted keys; numbers that are not finite are the texts `inf`, `-inf` and `nan`.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(self)
  }

  /// Reads what `json()` wrote.
  package init(json: Data) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(Report.self, from: json)
  }

  package init(
    title: String, sections: [Section], records: [RunRecord], comparison: ComparisonSummary? = nil
  ) {
    self.title = title
    self.sections = sections
    self.records = records
    self.comparison = comparison
  }

  /// All figures, those inside folded blocks too, in reading order.
  var figures: [Figure] {
    func figures(in blocks: [Block]) -> [Figure] {
      blocks.flatMap { block in
        switch block {
        case .figure(let figure): [figure]
        case .details(_, let inner): figures(in: inner)
        default: [] as [Figure]
        }
      }
    }
    return sections.flatMap { figures(in: $0.blocks) }
  }
}
