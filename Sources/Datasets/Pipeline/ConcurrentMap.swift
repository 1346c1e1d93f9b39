import Dispatch
import Foundation
import Synchronization
import Tensors

/// `body` of each number below `count`, on as many threads as the machine has cores.
///
/// Results stand in the order of the numbers; of several errors the one of the lowest number is thrown.
/// `body` may be called for numbers after one that throws.
func concurrentMap<Value: Sendable>(
  _ count: Int, _ body: @Sendable (_ number: Int) throws -> Value
) throws -> [Value] {
  let lanes = max(1, min(count, ProcessInfo.processInfo.activeProcessorCount))
  let next = Atomic(0)
  let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
  DispatchQueue.concurrentPerform(iterations: lanes) { lane in
    Allocator.withLane(lane) {
      while true {
        let number = next.add(1, ordering: .relaxed).oldValue
        guard number < count else { return }
        let result = Result { try body(number) }
        results.withLock { $0[number] = result }
      }
    }
  }
  return try results.withLock { $0 }.compactMap { try $0?.get() }
}

/// The same for many numbers, whose values go to `take` in their order without all being held at once.
func concurrentForEach<Value: Sendable>(
  _ count: Int, _ body: @Sendable (_ number: Int) throws -> Value, take: (Value) throws -> Void
) throws {
  let stride = 8 * max(1, ProcessInfo.processInfo.activeProcessorCount)
  for start in Swift.stride(from: 0, to: count, by: stride) {
    for value in try concurrentMap(min(stride, count - start), { try body(start + $0) }) {
      try take(value)
    }
  }
}
