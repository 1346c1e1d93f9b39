internal import CHDF5
import Foundation

/// The one door to libhdf5: every call is made inside `locked`.
///
/// The library is not safe for parallel use in all builds, and serialises itself where it is, so
/// one lock for the process costs nothing. It is recursive because a handle may be dropped, and so
/// closed, while another call is under way.
enum HDF5Library {
  private static let lock = NSRecursiveLock()
  private static let isPrepared: Bool = {
    registerLZF()
    return true
  }()

  static func locked<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock.lock()
    defer { lock.unlock() }
    // Per thread in thread-safe builds, hence at each call.
    H5Eset_auto2(hdf5_error_stack(), nil, nil)
    precondition(isPrepared)
    return try body()
  }

  /// Innermost description on libhdf5's error stack.
  static func reason() -> String {
    var text = "no reason given"
    withUnsafeMutablePointer(to: &text) { text in
      _ = H5Ewalk2(
        hdf5_error_stack(), H5E_WALK_UPWARD,
        { position, entry, text in
          guard position == 0, let description = entry?.pointee.desc else { return 0 }
          text?.assumingMemoryBound(to: String.self).pointee = String(cString: description)
          return 0
        }, text)
    }
    return text
  }
}

extension FormatError {
  /// A call to libhdf5 failed while reading `path`.
  static func hdf5(_ path: String, _ action: String) -> FormatError {
    .malformed(path: path, format: "HDF5", reason: "\(action): \(HDF5Library.reason())")
  }

  /// A call to libhdf5 failed while writing `path`.
  static func hdf5Writing(_ path: String, _ action: String) -> FormatError {
    .writeFailed(path: path, reason: "\(action): \(HDF5Library.reason())")
  }
}
