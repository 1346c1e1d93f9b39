/// What an axis of a stored array counts.
package enum AxisRole: Sendable, Hashable {
  case trajectory, time, space, channel
}

/// A dataset and the meaning of its axes; axes that it lacks are constant along them.
package struct StoredArray: Sendable, Hashable {
  /// Path in the file, or below the group of each trajectory.
  package let path: String
  package let axes: [AxisRole]

  package init(path: String, axes: [AxisRole]) {
    self.path = path
    self.axes = axes
  }
}

/// A scalar quantity of a file and where it lies.
package struct Channel: Sendable, Equatable {
  package let name: String
  package let array: StoredArray
  /// Place along the channel axis, 0 where there is none.
  package let position: Int

  package init(name: String, array: StoredArray, position: Int = 0) {
    self.name = name
    self.array = array
    self.position = position
  }
}

/// A physical field: a scalar, or a vector made of several channels.
package struct FieldRequest: Sendable, Hashable {
  package let name: String
  /// Names of the channels; for a scalar its own name.
  package let components: [String]

  package init(_ name: String, components: [String]? = nil) {
    self.name = name
    self.components = components ?? [name]
  }
}

/// What a file of trajectories holds and where, as its format reads it.
package struct StoredFields: Sendable {
  package var trajectoryCount: Int
  package var frameCount: Int
  /// Sizes of the space axes in file order, one to three.
  package var space: [Int]
  /// Groups, one per trajectory, below which the arrays lie; empty where arrays have a trajectory axis.
  package var groups: [String] = []
  package var channels: [Channel]
  /// The fields that are read where the recipe selects none, in this order.
  package var standard: [FieldRequest]
  /// Cell spacing of each space axis in file order; nil where the file says nothing or is not uniform.
  package var spacing: [Double?] = []
  /// Time between frames; nil where the file says nothing or is not uniform.
  package var interval: Double?
  /// Coefficients that hold for the whole file.
  package var parameters: [String: Double] = [:]
  /// Datasets with one coefficient per trajectory.
  package var varyingParameters: [String] = []

  package init(
    trajectoryCount: Int, frameCount: Int, space: [Int], channels: [Channel],
    standard: [FieldRequest]
  ) {
    self.trajectoryCount = trajectoryCount
    self.frameCount = frameCount
    self.space = space
    self.channels = channels
    self.standard = standard
  }

  /// The channels of a field, by the name of a standard field or by names of channels.
  ///
  /// - Throws: `DataError.fieldMissing`.
  func channels(of field: FieldRequest, in path: String) throws(DataError) -> [Channel] {
    let isBareName = field.components == [field.name]
    let components =
      isBareName
      ? standard.first { $0.name == field.name }?.components ?? field.components
      : field.components
    var found: [Channel] = []
    for name in components {
      guard let channel = channels.first(where: { $0.name == name || $0.array.path == name })
      else {
        let vectors = standard.filter { $0.components.count > 1 }.map(\.name)
        throw .fieldMissing(field: name, path: path, available: vectors + channels.map(\.name))
      }
      found.append(channel)
    }
    return found
  }
}
