package import Recipes
package import Tensors

/// Square patches around pixels of a scene, `[band, side, side]`.
package struct ScenePatches: Sendable {
  /// Odd side.
  package let side: Int
  package let padding: DataSection.Patch.Padding
  private let image: Tensor

  /// Patches of an image `[band, row, column]`, f32.
  package init(of image: Tensor, side: Int, padding: DataSection.Patch.Padding) {
    precondition(
      side % 2 == 1 && image.rank == 3 && image.dtype == .f32,
      "patches of side \(side) of \(image.dtype) \(image.shape)")
    self.image = image
    self.side = side
    self.padding = padding
  }

  /// The patch whose middle is a pixel; what lies beyond the border is 0, or the mirror image, which
  /// does not repeat the border pixel.
  package func patch(row: Int, column: Int) -> Tensor {
    let (bands, height, width) = (image.shape[0], image.shape[1], image.shape[2])
    let rows = places(around: row, of: height)
    let columns = places(around: column, of: width)
    let result = Tensor(uninitialized: [bands, side, side])
    image.withElements(of: Float.self) { image in
      result.withMutableElements(of: Float.self) { result in
        var position = 0
        for band in 0..<bands {
          for row in rows {
            for column in columns {
              if let row, let column {
                result[position] = image[(band * height + row) * width + column]
              } else {
                result[position] = 0
              }
              position += 1
            }
          }
        }
      }
    }
    return result
  }

  /// Rows or columns that a patch shows, nil beyond the border under zero padding.
  private func places(around middle: Int, of length: Int) -> [Int?] {
    (0..<side).map { index in
      let place = middle + index - side / 2
      if (0..<length).contains(place) { return place }
      guard padding == .mirror else { return nil }
      guard length > 1 else { return 0 }
      let period = 2 * (length - 1)
      let wrapped = ((place % period) + period) % period
      return wrapped < length ? wrapped : period - wrapped
    }
  }

  /// Each band of a patch less its mean, divided by its standard deviation (n - 1) + 1e-8.
  package static func standardized(_ patch: Tensor) -> Tensor {
    let count = patch.shape[1] * patch.shape[2]
    let result = Tensor(uninitialized: patch.shape)
    patch.withElements(of: Float.self) { values in
      result.withMutableElements(of: Float.self) { result in
        for band in 0..<patch.shape[0] {
          let places = (band * count)..<((band + 1) * count)
          let mean = places.reduce(0.0) { $0 + Double(values[$1]) } / Double(count)
          let sum = places.reduce(0.0) { sum, place in
            let difference = Double(values[place]) - mean
            return sum + difference * difference
          }
          let deviation = (sum / Double(max(1, count - 1))).squareRoot() + 1e-8
          for place in places { result[place] = Float((Double(values[place]) - mean) / deviation) }
        }
      }
    }
    return result
  }
}
