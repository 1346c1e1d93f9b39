/// What can go wrong when a recipe chooses parts of a task, or gives them what they cannot take.
package enum TaskError: Error, Equatable {
  case metricUnknown(name: String, known: [String])
  case metricAmbiguous(name: String, meanings: [Meaning])
  /// `imageSize` is height and width in pixels.
  case imageDoesNotFit(component: String, imageSize: [Int], reason: String, mend: String)
  case tooFewSamples(component: String, reason: String, mend: String)

  /// One of several definitions that share a short name.
  package struct Meaning: Sendable, Equatable {
    package let name: String
    package let definition: String
  }
}

extension TaskError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .metricUnknown(let name, let known):
      "metric '\(name)' is not known; known are \(known.joined(separator: ", ")). "
        + "Mend the name in eval.metrics or train.monitor."
    case .metricAmbiguous(let name, let meanings):
      "metric '\(name)' means different numbers in different programs. Write "
        + meanings.map { "\($0.name) (\($0.definition))" }.joined(separator: " or ")
        + " in eval.metrics or train.monitor."
    case .imageDoesNotFit(let component, let imageSize, let reason, let mend):
      "\(component): for images of \(imageSize.byWord) pixels \(reason). \(mend)."
    case .tooFewSamples(let component, let reason, let mend):
      "\(component): \(reason). \(mend)."
    }
  }
}
