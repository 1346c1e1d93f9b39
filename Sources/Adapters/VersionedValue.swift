import Synchronization

/// What was computed from a parameter, until that changes.
final class VersionedValue<Value: Sendable>: Sendable {
  private let known = Mutex<(version: Int, value: Value)?>(nil)

  /// The value for a version of the parameter, computed by `make` where it is new.
  func value(of version: Int, _ make: () -> Value) -> Value {
    known.withLock { known in
      if let known, known.version == version { return known.value }
      let value = make()
      known = (version, value)
      return value
    }
  }
}
