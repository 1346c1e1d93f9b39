import Foundation
import Glibc
import Launch
import Testing

@Suite("A stop request")
struct StopRequestTests {
  @Test("is made by the first signal, which ends nothing", arguments: [SIGINT, SIGTERM, SIGUSR1])
  func first(number: Int32) async {
    await #expect(processExitsWith: .exitCode(0)) { [number] in
      StopRequest.listen()
      guard !StopRequest.isMade else { exit(1) }
      receive(number)
      exit(StopRequest.signal == number ? 0 : 2)
    }
  }

  @Test("becomes an end with 130 at the second SIGINT")
  func secondInterrupt() async {
    await #expect(processExitsWith: .exitCode(130)) {
      StopRequest.listen()
      receive(SIGTERM)
      kill(getpid(), SIGINT)
      sleep(10)
      exit(1)
    }
  }

  @Test("becomes an end with 143 at the second SIGTERM or SIGUSR1", arguments: [SIGTERM, SIGUSR1])
  func secondTermination(number: Int32) async {
    await #expect(processExitsWith: .exitCode(143)) { [number] in
      StopRequest.listen()
      receive(SIGINT)
      kill(getpid(), number)
      sleep(10)
      exit(1)
    }
  }

  @Test("lets an interrupted read go on")
  func restart() async {
    await #expect(processExitsWith: .exitCode(0)) {
      StopRequest.listen()
      unblockSignals()
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { exit(1) }
      let (writeEnd, reader) = (ends[1], pthread_self())
      Thread.detachNewThread {
        usleep(100_000)
        pthread_kill(reader, SIGUSR1)
        usleep(100_000)
        write(writeEnd, "x", 1)
      }
      var byte: UInt8 = 0
      exit(read(ends[0], &byte, 1) == 1 && StopRequest.isMade ? 0 : 2)
    }
  }

  @Test("is not made before a signal comes")
  func none() { #expect(StopRequest.signal == nil) }
}

/// Sends this process the first signal and waits until it has arrived, at most ten seconds: worker
/// threads block signals, so another thread takes it.
private func receive(_ number: Int32) {
  kill(getpid(), number)
  for _ in 0..<10_000 where !StopRequest.isMade { usleep(1000) }
}

/// Lets this thread take signals.
private func unblockSignals() {
  var all = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_UNBLOCK, &all, nil)
}
