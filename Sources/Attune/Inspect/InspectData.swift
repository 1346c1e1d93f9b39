import Datasets
import Formats
import Recipes

/// Objects and attributes of an HDF5 file, and which formats read it.
func inspectData(_ path: String) throws -> Inspection {
  let file = try HDF5File(reading: path)
  var inspection = Inspection(path, .data)
  for format in trajectoryFormats.entries {
    guard let stored = try? format.describe(file, variable: nil) else { continue }
    inspection.add(
      "format",
      "\(format.name): \(stored.trajectoryCount) trajectories of \(stored.frameCount) frames, grid "
        + "\(stored.space), fields \(stored.standard.map(\.name).joined(separator: ", "))")
  }
  if inspection.facts.isEmpty { inspection.add("format", "none that this program reads") }
  for (name, value) in try file.attributes().sorted(by: { $0.key < $1.key }) {
    inspection.add("attribute \(name)", value.text)
  }
  for object in try file.objects() {
    guard let layout = object.layout else {
      inspection.parts.append(.init(name: object.path, shape: nil, type: "group", note: nil))
      continue
    }
    let filters = layout.filters.map { $0.isAvailable ? $0.name : "\($0.name) (unknown)" }
    inspection.parts.append(
      .init(
        name: object.path, shape: layout.shape, type: "\(layout.elementType)",
        note: filters.isEmpty ? nil : filters.joined(separator: ", ")))
  }
  return inspection
}

extension HDF5Attribute {
  fileprivate var text: String {
    switch self {
    case .numbers(let values): values.map { "\(Float($0))" }.joined(separator: ", ")
    case .texts(let texts): texts.joined(separator: ", ")
    case .unsupported(let type): "(\(type))"
    }
  }
}
