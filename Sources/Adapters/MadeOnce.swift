import Synchronization
import Tensors

/// A value that whoever asks first makes, and nobody where nobody asks.
final class MadeOnce<Value: Sendable>: Sendable {
  private let make: @Sendable () -> Value
  private let made = Mutex<Value?>(nil)

  init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  var value: Value {
    made.withLock { made in
      if let made { return made }
      let value = Allocator.making { make() }
      made = value
      return value
    }
  }
}
