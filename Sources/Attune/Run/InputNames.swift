import Backbones
import Datasets
import Recipes
import Tensors

/// Which input of the data feeds which input of the backbone (`model.inputs`).
struct InputNames: Sendable {
  /// Backbone input and data input.
  private let pairs: [(backbone: String, data: String)]

  /// Pairs by the recipe, or the only two where it names none.
  ///
  /// - Throws: `RunError.settingInvalid` where names are unknown or the pairing is not clear.
  init(
    _ section: ModelSection, backbone type: any Backbone.Type, data: [String]
  ) throws(RunError) {
    let known = type.inputNames
    guard section.inputs.isEmpty else {
      for pair in section.inputs {
        guard known.contains(pair.backbone), data.contains(pair.data) else {
          throw .settingInvalid(
            field: "model.inputs", found: "\(pair.backbone): \(pair.data)",
            expected: "one of the backbone's inputs (\(known.joined(separator: ", "))) and one of "
              + "data.inputs (\(data.joined(separator: ", ")))")
        }
      }
      pairs = section.inputs
      return
    }
    if data.allSatisfy(known.contains) {
      pairs = data.map { ($0, $0) }
    } else if known.count == 1, data.count == 1 {
      pairs = [(known[0], data[0])]
    } else {
      throw .settingInvalid(
        field: "model.inputs", found: "nothing",
        expected:
          "which of the backbone's inputs (\(known.joined(separator: ", "))) takes which of "
          + "data.inputs (\(data.joined(separator: ", ")))")
    }
  }

  /// Name in the data of the first input.
  var first: String { pairs[0].data }

  /// Shapes of a batch of `count` samples by backbone input, from those of one sample.
  func shapes(_ shapes: [String: [Int]], count: Int = 1) -> [String: [Int]] {
    var named: [String: [Int]] = [:]
    for pair in pairs { named[pair.backbone] = shapes[pair.data].map { [count] + $0 } }
    return named
  }

  /// Whether a field of a sample is an input, or belongs to one.
  func isInput(_ field: String) -> Bool {
    pairs.contains { field == $0.data || field.hasPrefix($0.data + ".") }
  }

  /// A batch of samples as the backbone takes it.
  ///
  /// What belongs to an input stands beside it, one row for each sample and the same in all:
  /// `NAME.wavelengths` in nanometers, `NAME.resolution` in meters per pixel.
  func input(_ fields: [String: Tensor]) -> BackboneInput {
    var input = BackboneInput([:])
    for pair in pairs {
      input.values[pair.backbone] = fields[pair.data]
      if let rows = fields[pair.data + InputField.wavelengths] {
        input.wavelengths[pair.backbone] =
          rows.sliced(axis: 0, 0..<1).elements(as: Float.self).map(Double.init)
      }
      if let rows = fields[pair.data + InputField.resolution] {
        input.resolution = Double(rows.elements(as: Float.self)[0])
      }
    }
    return input
  }
}

extension InputNames: CustomStringConvertible {
  var description: String { pairs.map { "\($0.backbone): \($0.data)" }.joined(separator: ", ") }
}
