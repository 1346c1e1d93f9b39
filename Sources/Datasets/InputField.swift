/// Ends of the names under which a sample holds what belongs to an input, behind the input's name.
package enum InputField {
  /// Band centers in nanometers, f32 `[band]`.
  package static let wavelengths = ".wavelengths"
  /// Meters per pixel, f32 `[]`.
  package static let resolution = ".resolution"
}
