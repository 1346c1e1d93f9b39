extension RunRecord {
  /// What clients did in the rounds of a federated run, and what they sent.
  package struct Federated: Codable, Sendable, Equatable {
    package struct Client: Codable, Sendable, Equatable {
      package var name: String
      /// Training samples; a client's weight is its share of all of them.
      package var samples: Int

      package init(name: String, samples: Int) {
        self.name = name
        self.samples = samples
      }
    }

    package struct Round: Codable, Sendable, Equatable {
      /// From 1.
      package var number: Int
      /// Optimizer steps of all clients up to its end.
      package var lastStep: Int
      /// Bytes of values that all clients sent to the server together.
      package var bytesUp: Int
      /// Bytes of values that the server sent to all clients together after it.
      package var bytesDown: Int
      /// Loss of the last local step, by client.
      package var losses: [Double]
      /// ‖given − wanted‖ / ‖wanted‖ of the weight updates, the wanted one being the mean of the clients'
      /// updates by their weights, in the Frobenius norm over all adapted weights; nil where the
      /// method has no pairs.
      package var inexactness: Double?
      /// Of the validation part after the round, by full name.
      package var metrics: [String: Double]

      package init(
        number: Int, lastStep: Int, bytesUp: Int, bytesDown: Int, losses: [Double],
        inexactness: Double?,
        metrics: [String: Double]
      ) {
        self.number = number
        self.lastStep = lastStep
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.losses = losses
        self.inexactness = inexactness
        self.metrics = metrics
      }
    }

    package var aggregation: String
    package var clients: [Client]
    /// Optimizer steps of one client in one round.
    package var localSteps: Int
    package var rounds: [Round]

    package init(aggregation: String, clients: [Client], localSteps: Int, rounds: [Round] = []) {
      self.aggregation = aggregation
      self.clients = clients
      self.localSteps = localSteps
      self.rounds = rounds
    }
  }
}
