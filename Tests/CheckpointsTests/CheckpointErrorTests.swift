import Checkpoints
import Formats
import Testing

@Suite("Checkpoint errors") struct CheckpointErrorTests {
  @Test(
    "each text names the file, the tensor and the way out",
    arguments: [
      (
        CheckpointError.tensorMissing(
          path: "m.pth", name: "head.weight", available: ["a", "b", "c", "d", "e", "f", "g"]),
        "m.pth: tensor 'head.weight' not found (it has a, b, c, d, e and 2 more). "
          + "Check that the file belongs to this model."
      ),
      (
        .duplicateTensor(path: "i.json", name: "w", places: ["1", "2"]),
        "i.json: tensor 'w' occurs twice (1, 2). Remove one of them."
      ),
      (
        .refusedObject(path: "m.pth", name: "os.system"),
        "m.pth: the pickle refers to 'os.system'; only tensors and plain containers are read, and "
          + "nothing is executed. Save the state dictionary alone, or as safetensors."
      ),
      (
        .rankMismatch(path: "a", tensor: "t", configured: 4, found: 8),
        "a: tensor 't' has rank 8, the configuration says 4. "
          + "Correct r or rank_pattern in adapter_config.json."
      ),
      (
        .file(.fileMissing(path: "x")),
        "x: no such file or folder. Check the path; relative paths start at the working folder."
      ),
    ])
  func texts(error: CheckpointError, text: String) {
    #expect(error.description == text)
  }
}
