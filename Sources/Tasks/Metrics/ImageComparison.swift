/// What of restored images is compared: their colours or their luma, without a border.
package struct ImageComparison: Sendable, Equatable {
  /// As recipes write it in `eval.color_space`.
  package enum ColorSpace: String, Sendable {
    case rgb
    case y
  }

  package let colorSpace: ColorSpace
  /// Pixels left out along each edge.
  package let border: Int

  package init(colorSpace: ColorSpace = .rgb, border: Int = 0) {
    precondition(border >= 0, "a border of \(border) pixels")
    self.colorSpace = colorSpace
    self.border = border
  }

  /// What the formula of a metric says besides.
  package var note: String {
    let luma =
      "compared is the luma Y = (65.481 R + 128.553 G + 24.966 B + 16) / 255 (ITU-R BT.601, R, G and B "
      + "from 0 to 1)"
    let crop = "\(border) pixels along each edge are left out"
    return switch (colorSpace, border) {
    case (.rgb, 0): ""
    case (.rgb, _): "; \(crop)"
    case (.y, 0): "; \(luma)"
    case (.y, _): "; \(luma); \(crop)"
    }
  }

  /// Refuses images that this comparison cannot take.
  ///
  /// - Parameters:
  ///   - components: channels.
  ///   - height: rows.
  ///   - width: pixels of a row.
  /// - Throws: `TaskError.imageDoesNotFit`, where luma is asked of other than three channels or
  ///   nothing is left inside the border.
  package func check(components: Int, height: Int, width: Int) throws(TaskError) {
    if colorSpace == .y, components != 3 {
      throw .imageDoesNotFit(
        component: "eval.color_space", imageSize: [height, width],
        reason: "y needs the three channels red, green and blue, not \(components)",
        mend: "Set eval.color_space to rgb, which compares every channel as it is")
    }
    if min(height, width) <= 2 * border {
      throw .imageDoesNotFit(
        component: "eval.border", imageSize: [height, width],
        reason: "nothing is left inside a border of \(border) pixels",
        mend: "Set eval.border below half of the smaller side")
    }
  }

  /// The image without its border, three channels turned to luma where asked for.
  package func prepared(_ image: Trajectory) -> Trajectory {
    guard self != ImageComparison() else { return image }
    let cropped = cropped(image)
    return colorSpace == .y ? luma(cropped) : cropped
  }

  private func cropped(_ image: Trajectory) -> Trajectory {
    guard border > 0 else { return image }
    var shape = image.shape
    precondition(
      min(shape.height, shape.width) > 2 * border, "a border of \(border) pixels on \(shape)")
    (shape.height, shape.width) = (shape.height - 2 * border, shape.width - 2 * border)
    var values: [Float] = []
    values.reserveCapacity(shape.slices * shape.cells)
    let width = image.shape.width
    for plane in 0..<shape.slices * shape.depth {
      for row in border..<border + shape.height {
        let start = (plane * image.shape.height + row) * width + border
        values += image.values[start..<start + shape.width]
      }
    }
    return Trajectory(values, shape: shape)
  }

  /// One component from three, with MATLAB's weights: 16 / 255 is black, 235 / 255 white.
  private func luma(_ image: Trajectory) -> Trajectory {
    var shape = image.shape
    precondition(shape.components == 3, "the luma of \(shape.components) channels")
    shape.components = 1
    let cells = shape.cells
    var values: [Float] = []
    values.reserveCapacity(shape.slices * cells)
    for start in stride(from: 0, to: image.values.count, by: 3 * cells) {
      for cell in start..<start + cells {
        let (red, green, blue) = (
          Double(image.values[cell]), Double(image.values[cell + cells]),
          Double(image.values[cell + 2 * cells])
        )
        values.append(Float((65.481 * red + 128.553 * green + 24.966 * blue + 16) / 255))
      }
    }
    return Trajectory(values, shape: shape)
  }
}
