package import Recipes

/// What can be wrong with the targets of samples.
package enum TargetError: ExitCoded, Sendable, Equatable {
  /// A stored value that is no class.
  case labelUnknown(value: String, path: String, known: [String])
  /// A column that the table does not have.
  case columnMissing(path: String, column: String, available: [String])
  /// A sample without a row.
  case rowMissing(path: String, identifier: String)
  case notANumber(path: String, identifier: String, column: String, value: String)
  /// Shares that do not add up to 1, or are no shares.
  case sharesWrong(path: String, identifier: String, sum: Double)
  /// Classes that no training sample has.
  case classesAbsent(names: [String], counts: [String: Int])
  /// Fewer than two classes, or a training part whose pixels are all ignored.
  case nothingToLearn(reason: String, mend: String)
  /// An image outside 0…1, where the task compares such.
  case outOfRange(path: String, minimum: Double, maximum: Double)
  /// A class raster with more than one band.
  case bandCount(path: String, found: Int)
  /// A raster without a valid pixel, of which a number was to be taken.
  case nothingKnown(path: String)
  /// A file whose folder is the root: it has no class.
  case noFolder(path: String)

  package var exitCode: ExitCode { .malformedData }
}

extension TargetError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .labelUnknown(let value, let path, let known):
      "\(path): label '\(value)' is none of the \(known.count) classes "
        + "(\(Self.list(known))). Name all in data.target.class_names, map values with "
        + "data.target.label_map, or set data.target.unmapped: ignore."
    case .columnMissing(let path, let column, let available):
      "\(path): no column \(column); the table has \(Self.list(available)). Correct "
        + "data.target.column or class_names."
    case .rowMissing(let path, let identifier):
      "\(path): no row for sample '\(identifier)'. Add it, or leave the sample's file out of the "
        + "pattern."
    case .notANumber(let path, let identifier, let column, let value):
      "\(path): '\(value)' in column \(column) of sample '\(identifier)' is not a number. Mend the "
        + "table, or choose another column."
    case .sharesWrong(let path, let identifier, let sum):
      "\(path): the shares of sample '\(identifier)' add up to \(sum), expected numbers from 0 to 1 "
        + "that add up to 1. Mend the table, or choose the columns with data.target.class_names."
    case .classesAbsent(let names, let counts):
      "no training sample of class \(names.joined(separator: ", ")) (training samples: "
        + counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        .joined(separator: ", ")
        + "). Give it some by another data.split, or leave the class out of data.target.class_names."
    case .nothingToLearn(let reason, let mend): "data.target: \(reason). \(mend)."
    case .outOfRange(let path, let minimum, let maximum):
      "\(path): values from \(minimum) to \(maximum), expected 0 to 1, which the task compares. Set "
        + "data.inputs.NAME.scale, for pictures of 8 bits 0.0039215686."
    case .bandCount(let path, let found):
      "\(path): \(found) bands, expected one band of classes. Give rasters of one band."
    case .nothingKnown(let path):
      "\(path): no valid pixel to take the sample's target from. Leave the sample out, or set "
        + "data.on_bad: skip."
    case .noFolder(let path):
      "\(path): the file lies in no folder that names its class. Put it into one, or give "
        + "data.target.path and column of a table."
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(12).joined(separator: ", ")
      + (names.count > 12 ? " and \(names.count - 12) more" : "")
  }
}
