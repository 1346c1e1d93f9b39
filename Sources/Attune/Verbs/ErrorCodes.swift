import Adapters
import Checkpoints
import Datasets
import Formats
import Foundation
package import Recipes
import Reports
import Tasks

/// The exit code of an error of this program; nil for one that is not ours, such as a wrong command
/// line.
package func programExitCode(of error: any Error) -> ExitCode? {
  switch error {
  case let error as any ExitCoded: error.exitCode
  case let error as FormatError: exitCode(of: error.category)
  case let error as CheckpointError: exitCode(of: error.category)
  case is TaskError: .invalidRecipe
  // Files that Foundation was to read, write or remove.
  case is CocoaError, is POSIXError: .readOrWriteFailed
  case let error as NSError
  where [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains(error.domain): .readOrWriteFailed
  default: nil
  }
}

private func exitCode(of category: FormatError.Category) -> ExitCode {
  switch category {
  case .inputMissing: .inputMissing
  case .invalidData: .malformedData
  case .unsupported: .unavailable
  case .cannotCreate: .cannotCreate
  case .inputOutput: .readOrWriteFailed
  }
}
