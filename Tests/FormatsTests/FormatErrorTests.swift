import Formats
import Testing

@Suite("Format errors") struct FormatErrorTests {
  @Test(
    "each text names the file, what was expected and found, and the way out",
    arguments: [
      (
        FormatError.malformed(path: "a.h5", format: "HDF5", reason: "cannot open: cut off"),
        "a.h5: not a valid HDF5 file (cannot open: cut off). Fetch or write it again."
      ),
      (
        .objectMissing(path: "a.h5", object: "u", kind: "dataset", available: ["v", "w"]),
        "a.h5: dataset 'u' not found (the file has v, w). Use a name that it has."
      ),
      (
        .wrongAxes(path: "a.h5", object: "u", expected: ["t", "x"], found: [2, 3, 4]),
        "a.h5: 'u' has shape [2, 3, 4], expected 2 axes [t, x]. "
          + "Check the layout that the recipe declares."
      ),
      (
        .outOfBounds(path: "a.h5", object: "u", start: [2], count: [3], shape: [4]),
        "a.h5: 'u' has shape [4]; start [2], count [3] lies outside. "
          + "Ask for a part inside the array."
      ),
      (
        .cannotCreate(path: "out/a.h5", reason: "Permission denied"),
        "out/a.h5: cannot be created (Permission denied). "
          + "Check that the folder exists and is writable."
      ),
    ])
  func texts(error: FormatError, text: String) {
    #expect(error.description == text)
  }
}
