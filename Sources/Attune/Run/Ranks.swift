import Foundation
import Launch
import Recipes
package import Tensors

/// Runs `body` with the processes that this one was started beside, or alone.
///
/// The first rank's result is the job's, and it alone speaks; an error that not all ranks have agreed
/// on ends all of them with its code.
/// - Parameters:
///   - say: gets a message on what ended this rank.
///   - body: told the ranks, and whether this one is to be quiet.
/// - Returns: nil on other ranks than the first.
/// - Throws: `MPIError`, and on the first rank what all have agreed to refuse.
package func withRanks<Value>(
  say: (String) -> Void, _ body: (_ ranks: any Communicator, _ isQuiet: Bool) throws -> Value
) throws -> Value? {
  guard try MPIEnvironment() != nil else { return try body(SingleRank(), false) }
  // By this signal those who start ranks end the rest of them when one has died.
  let ranks = try MPICommunicator(mustEnd: { StopRequest.signal == SIGTERM })
  do {
    let value = try body(ranks, !ranks.isFirst)
    ranks.finish()
    return ranks.isFirst ? value : nil
  } catch let refusal as RankRefusal {
    ranks.finish()
    if ranks.isFirst { throw refusal }
    return nil
  } catch let loss as any RankLoss {
    if ranks.isFirst { throw loss }
    // One that ends out of order would have the first one killed while it saves.
    Thread.sleep(forTimeInterval: 10)
    return nil
  } catch {
    // The first rank tells of what all have met; what only another has met, nobody else tells.
    if !ranks.isFirst { Thread.sleep(forTimeInterval: 2) }
    say(ranks.isFirst ? "\(error)" : "rank \(ranks.rank): \(error)")
    ranks.abort((programExitCode(of: error) ?? .internalError).rawValue)
  }
}

/// Threads of one of several ranks; nil for a process alone.
package func rankThreads() throws -> Int? { try MPIEnvironment()?.threads }
