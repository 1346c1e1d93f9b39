import Dispatch
import Synchronization
import Tensors

/// Who works on a run: the threads of this process, and other processes beside it.
struct Team: Sendable {
  var threads: Int
  var ranks: any Communicator = SingleRank()
}

/// What `body` gives for 0..<`count`, in this order, each thread working on one at a time.
func concurrentResults<Value: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Value
) throws -> [Value] {
  let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
  let lanes = max(1, min(threads, count))
  DispatchQueue.concurrentPerform(iterations: lanes) { lane in
    for index in stride(from: lane, to: count, by: lanes) {
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
    }
  }
  return try results.withLock { $0 }.compactMap { try $0?.get() }
}

extension Team {
  /// The same by all ranks, each of which works on its share and hears the others' results.
  ///
  /// Values are what one process alone would have, in the same order.
  func results<Value: Sendable>(
    _ count: Int, write: (Value, inout ByteWriter) -> Void, read: (inout ByteReader) -> Value,
    _ body: @Sendable (Int) throws -> Value
  ) throws -> [Value] {
    guard ranks.count > 1 else { return try concurrentResults(count, threads: threads, body) }
    let own = Array(stride(from: ranks.rank, to: count, by: ranks.count))
    var writer = ByteWriter()
    for value in try concurrentResults(own.count, threads: threads, { try body(own[$0]) }) {
      write(value, &writer)
    }
    var readers = try ranks.gather(writer.bytes).map { ByteReader($0) }
    return (0..<count).map { read(&readers[$0 % readers.count]) }
  }
}
