/// `federated`: training by clients that keep their data, in rounds (arXiv 1602.05629), simulated in one
/// process.
///
/// In every round each client trains the shared model on its own samples as `train` says, whose
/// `epochs` or `max_steps` is the length of one client's part of one round; what it sends is put
/// together by `aggregation`.
package struct FederatedSection: Sendable {
  package let rounds: Int
  package let aggregation: Component
  /// Regular expression whose first group, found in a sample's identifier, names its client; nil makes
  /// every one of `data.sources` a client.
  package let clients: String?
  let location: SourceLocation

  static let table: OptionTable = [
    Option("rounds", .integer, default: .required, range: .atLeast(1), "rounds of all clients"),
    Option(
      "aggregation", .component(of: "federated aggregation"), default: "fedavg",
      "how what clients send is put together"),
    Option(
      "clients", .text, default: .described("each of data.sources"),
      "regular expression whose first group, found in a sample's identifier, names its client"),
  ]

  init(_ reader: OptionReader) {
    rounds = reader.int("rounds")
    aggregation = reader.component("aggregation")
    clients = reader.optionalText("clients")
    location = reader.location
  }
}
