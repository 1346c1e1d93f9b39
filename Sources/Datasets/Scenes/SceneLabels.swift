/// Classes of a scene's pixels: one label image, row-major.
package struct SceneLabels: Sendable, Equatable {
  package let width: Int
  package let height: Int
  /// Class of each pixel from 0; -1 where it has none.
  package let classes: [Int]
  package let classNames: [String]

  package init(width: Int, height: Int, classes: [Int], classNames: [String]) {
    precondition(
      classes.count == width * height && classes.allSatisfy { $0 >= -1 && $0 < classNames.count },
      "\(classes.count) classes for \(width)×\(height) pixels and \(classNames.count) names")
    self.width = width
    self.height = height
    self.classes = classes
    self.classNames = classNames
  }

  /// Numbers of the pixels that have a class, row by row.
  package var labelled: [Int] { classes.indices.filter { classes[$0] >= 0 } }

  /// Numbers of the pixels of each class, row by row.
  var pixelsByClass: [[Int]] {
    var pixels = [[Int]](repeating: [], count: classNames.count)
    for (pixel, label) in classes.enumerated() where label >= 0 { pixels[label].append(pixel) }
    return pixels
  }
}
