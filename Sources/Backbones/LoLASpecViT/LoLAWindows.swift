package import Tensors

/// How a grid of tokens is cut into square windows.
///
/// The reference fills the last windows of rows and columns up with tokens of zeros. All of them give
/// the same key and value, and what they would attend to is thrown away; so they are not stored. The
/// grid falls into regions of windows with equally many tokens of their own, and each region knows
/// which rows of the bias table belong to its tokens and to the padding.
package struct LoLAWindowPlan: Sendable {
  /// Windows of one shape, side by side.
  package struct Region: Sendable {
    /// Rows of the grid.
    package let rows: Range<Int>
    /// Columns of the grid.
    package let columns: Range<Int>
    /// Tokens of a window from top to bottom.
    package let height: Int
    /// Tokens of a window from left to right.
    package let width: Int
    /// Tokens of zeros that a window's own tokens attend to besides themselves.
    package let padding: Int
    /// For every token and every one that it attends to, its own ones first, the row of the bias
    /// table: i32, `[tokens · (tokens + padding)]`.
    package let biasRows: Tensor

    package var tokens: Int { height * width }
  }

  /// From top to bottom, then from left to right.
  package let regions: [[Region]]

  /// Cuts a grid into windows of side `window`; with `masksPadding` nothing attends to padding.
  package init(height: Int, width: Int, window: Int, masksPadding: Bool) {
    regions = Self.spans(height, window).map { rows in
      Self.spans(width, window).map { columns in
        let size = (height: min(window, rows.count), width: min(window, columns.count))
        return Region(
          rows: rows, columns: columns, height: size.height, width: size.width,
          padding: masksPadding ? 0 : window * window - size.height * size.width,
          biasRows: Self.biasRows(
            height: size.height, width: size.width, window: window, masksPadding: masksPadding))
      }
    }
  }

  /// The part of an axis that whole windows fill, and the rest.
  private static func spans(_ size: Int, _ window: Int) -> [Range<Int>] {
    let whole = size / window * window
    return [0..<whole, whole..<size].filter { !$0.isEmpty }
  }

  /// Row (ya − yb + w − 1)(2w − 1) + xa − xb + w − 1 of the table for tokens a and b.
  private static func biasRows(
    height: Int, width: Int, window: Int, masksPadding: Bool
  ) -> Tensor {
    let places = (0..<(window * window)).map { (y: $0 / window, x: $0 % window) }
    let own = places.filter { $0.y < height && $0.x < width }
    let filled = masksPadding ? [] : places.filter { $0.y >= height || $0.x >= width }
    let rows = own.flatMap { a in
      (own + filled).map { b in
        Int32((a.y - b.y + window - 1) * (2 * window - 1) + a.x - b.x + window - 1)
      }
    }
    return Tensor(rows, shape: [rows.count])
  }
}

/// Cuts a grid into windows of equal shape.
///
/// - Parameters:
///   - grid: `[batch, rows, columns, channel]`; the shape of the windows divides it.
///   - height: rows of a window.
///   - width: columns of a window.
/// - Returns: `[batch · windows, token, channel]`, windows of one sample together, both windows and
///   tokens by rows.
package func lolaWindows(of grid: Tensor, height: Int, width: Int) -> Tensor {
  let shape = grid.shape
  return
    grid
    .reshaped(
      to: [shape[0], shape[1] / height, height, shape[2] / width, width, shape[3]])
    .permuted([0, 1, 3, 2, 4, 5])
    .reshaped(to: [-1, height * width, shape[3]])
}

/// The grid `[batch, rows, columns, channel]` that was cut into windows by `lolaWindows`.
package func lolaGrid(
  of windows: Tensor, rows: Int, columns: Int, height: Int, width: Int
) -> Tensor {
  let channels = windows.shape[2]
  return
    windows
    .reshaped(to: [-1, rows / height, columns / width, height, width, channels])
    .permuted([0, 1, 3, 2, 4, 5])
    .reshaped(to: [-1, rows, columns, channels])
}
