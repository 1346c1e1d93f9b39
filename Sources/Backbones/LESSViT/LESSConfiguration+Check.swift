import Recipes
import Tensors

extension LESSConfiguration {
  /// Records what the size of the images contradicts, as far as it is known.
  func report(
    _ data: DataShape, to diagnostics: Diagnostics, at location: SourceLocation, path: String
  ) {
    guard let size = data.imageSize, size.count == 2, let problem = problem(with: size) else {
      return
    }
    diagnostics.error(.rule(problem.what, mend: problem.mend), at: location, path: path)
  }

  /// What keeps an image of this height and width from being cut into a square grid of patches.
  private func problem(with size: [Int]) -> (what: String, mend: String)? {
    let name = "images of \(size[0]) x \(size[1]) pixels"
    if size.contains(where: { $0 < patch || $0 % patch != 0 }) {
      return (
        "\(name) cannot be cut into patches of patch_size \(patch)",
        "crop or resize the images (data.transforms, model.img_size) or change patch_size"
      )
    }
    guard size[0] == size[1] else {
      return (
        "\(name) give a grid of \(side(of: size[0])) x \(side(of: size[1])) patches, which must be "
          + "square", "crop the images to squares (data.transforms)"
      )
    }
    return nil
  }

  /// Refuses inputs by name and shape.
  func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    let unknown = shapes.keys.filter { !LESSViT.inputNames.contains($0) }.sorted()
    guard unknown.isEmpty, !shapes.isEmpty else {
      throw BackboneError(
        "less-vit: inputs \(shapes.keys.sorted()), expected optical, radar or both. Map them in "
          + "model.inputs, such as {optical: s2, radar: s1}")
    }
    for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
      guard shape.count == 4, shape[1] > 0 else {
        throw BackboneError("less-vit: input \(name) \(shape), expected axes B, C, H, W")
      }
      if let problem = problem(with: Array(shape[2...])) {
        throw BackboneError("less-vit: input \(name): \(problem.what). To mend it, \(problem.mend)")
      }
    }
    let outer = Set(shapes.values.map { [$0[0], $0[2], $0[3]] })
    guard outer.count == 1 else {
      throw BackboneError(
        "less-vit: optical \(shapes["optical"] ?? []) and radar \(shapes["radar"] ?? []) differ in "
          + "batch, height or width. Resample one of them to the other's grid")
    }
  }

  /// Refuses a batch that lacks wavelengths or the resolution, too.
  func check(_ input: BackboneInput) throws(BackboneError) {
    try check(input.values.mapValues(\.shape))
    for (name, value) in input.values.sorted(by: { $0.key < $1.key }) {
      guard let wavelengths = input.wavelengths[name] else {
        throw BackboneError(
          "less-vit: input \(name) has no wavelengths. Give them in nanometers, one for each of its "
            + "\(value.shape[1]) channels, in data.inputs.<name>.wavelengths of the data input that "
            + "model.inputs maps to \(name)")
      }
      guard wavelengths.count == value.shape[1] else {
        throw BackboneError(
          "less-vit: input \(name) has \(value.shape[1]) channels and \(wavelengths.count) "
            + "wavelengths. Give one for each channel in data.inputs.<name>.wavelengths")
      }
      if isRotary, let far = wavelengths.first(where: { !wavelengthRange.contains($0) }) {
        throw BackboneError(
          "less-vit: wavelength \(far) nm of input \(name) lies outside wavelength_range "
            + "\(wavelengthRange.lowerBound) to \(wavelengthRange.upperBound). Give the sensor's "
            + "first and last band center in model.backbone.wavelength_range")
      }
    }
    guard let resolution = input.resolution, resolution > 0 else {
      throw BackboneError(
        "less-vit: the resolution is not known. Give meters per pixel in "
          + "data.inputs.<name>.resolution")
    }
  }
}
