import Datasets
import Dispatch
import Synchronization
import Testing

@Suite struct ReadAheadTests {
  private struct Broken: Error, Equatable { let step: Int }

  @Test(arguments: [0, 1, 2, 5])
  func valuesAreThoseOfTheFunctionInOrder(threads: Int) throws {
    let ahead = ReadAhead(threads: threads, count: 40) { $0 * $0 }
    #expect(try (0..<40).map { try ahead($0) } == (0..<40).map { $0 * $0 })
    ahead.stop()
  }

  /// A resumed run begins anywhere; a step may be asked for again.
  @Test func anyFirstStepWillDo() throws {
    let ahead = ReadAhead(threads: 3, count: 100) { $0 }
    #expect(try [17, 18, 18, 40, 41].map { try ahead($0) } == [17, 18, 18, 40, 41])
    ahead.stop()
  }

  @Test func noMoreIsMadeThanThereAreThreadsAndNothingBeyondTheEnd() throws {
    let made = Mutex<[Int]>([])
    let ahead = ReadAhead(threads: 2, count: 6) { step in
      made.withLock { $0.append(step) }
      return step
    }
    for step in 0..<6 {
      _ = try ahead(step)
      let furthest = made.withLock { $0.max() ?? 0 }
      #expect(furthest <= step + 2)
    }
    ahead.stop()
    #expect(made.withLock { $0.sorted() } == [0, 1, 2, 3, 4, 5])
  }

  /// While one value is in use, the next is being made on another thread.
  @Test func valuesAreMadeWhileTheCallerIsBusy() throws {
    let second = DispatchSemaphore(value: 0)
    let ahead = ReadAhead(threads: 2, count: 2) { step in
      if step == 1 { second.signal() }
      return step
    }
    _ = try ahead(0)
    #expect(second.wait(timeout: .now() + 10) == .success)
    ahead.stop()
  }

  @Test func anErrorIsThrownAtItsStep() throws {
    let ahead = ReadAhead(threads: 2, count: 10) { step in
      if step == 3 { throw Broken(step: step) }
      return step
    }
    #expect(try (0..<3).map { try ahead($0) } == [0, 1, 2])
    #expect(throws: Broken(step: 3)) { try ahead(3) }
    #expect(try ahead(4) == 4)
    ahead.stop()
  }

  @Test func stoppingWaitsForWhatIsInTheMakingAndMakesNoMore() throws {
    let running = Atomic(0)
    let ahead = ReadAhead(threads: 4, count: 1000) { step in
      running.add(1, ordering: .sequentiallyConsistent)
      defer { running.subtract(1, ordering: .sequentiallyConsistent) }
      return step
    }
    _ = try ahead(0)
    ahead.stop()
    #expect(running.load(ordering: .sequentiallyConsistent) == 0)
  }
}
