/// What can go wrong when a recipe chooses parts of a task, or gives them what they cannot take.
package enum TaskError: Error, Equatable {
  case metricUnknown(name: String, known: [String])
  case metricAmbiguous(name: String, meanings: [Meaning])
  case labelOutsideClasses(label: Int, classes: Int)
  case predictionOutsideClasses(prediction: Int, classes: Int)
  case stratumWithoutVariance(stratum: String, samples: Int, mappedPixels: Int)
  case stratumNotOnMap(stratum: String, samples: Int)
  /// `imageSize` is height and width in pixels.
  case imageDoesNotFit(component: String, imageSize: [Int], reason: String, mend: String)
  case tooFewSamples(component: String, reason: String, mend: String)
  /// A value of the recipe that the data's target contradicts.
  case settingInvalid(field: String, found: String, expected: String)
  /// A target that the task cannot be asked with.
  case targetUnfit(task: String, found: String, expected: String)

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
    case .labelOutsideClasses(let label, let classes):
      "label \(label) found where the \(classes) classes have the numbers 0 to \(classes - 1). "
        + "Mend the labels, map them by data.target.label_map, or name what to leave out in "
        + "data.target.ignore_index."
    case .predictionOutsideClasses(let prediction, let classes):
      "prediction \(prediction) found where the \(classes) classes have the numbers 0 to "
        + "\(classes - 1). Check that the map was made for these classes (data.target.class_names), "
        + "and that it covers every pixel that has a truth."
    case .stratumWithoutVariance(let stratum, let samples, let mappedPixels):
      "area estimate: map class '\(stratum)' covers \(mappedPixels) pixels but has \(samples) "
        + "reference points; at least 2 are needed. Sample this class, or merge it with another "
        + "before the estimate."
    case .stratumNotOnMap(let stratum, let samples):
      "area estimate: \(samples) reference points stand on map class '\(stratum)', which covers no "
        + "pixel of the map. Check that points and pixel counts come from the same map."
    case .imageDoesNotFit(let component, let imageSize, let reason, let mend):
      "\(component): for images of \(imageSize.byWord) pixels \(reason). \(mend)."
    case .settingInvalid(let field, let found, let expected):
      "\(field): \(found), expected \(expected). Change the field."
    case .targetUnfit(let task, let found, let expected):
      "task \(task): \(found), expected \(expected). Mend data.target."
    case .tooFewSamples(let component, let reason, let mend):
      "\(component): \(reason). \(mend)."
    }
  }
}
