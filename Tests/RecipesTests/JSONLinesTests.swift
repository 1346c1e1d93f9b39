import Recipes
import Testing

@Suite("JSON lines")
struct JSONLinesTests {
  @Test("a step is one line with the published keys, numbers in shortest form")
  func step() throws {
    let event = StepEvent(
      step: 3, batch: "00ff", loss: 0.1, gradientNorm: 1e-7, learningRate: 0.001)
    let line = JSONLines.line(event)
    #expect(line == #"{"step":3,"batch":"00ff","loss":0.1,"grad_norm":1e-07,"lr":0.001}"# + "\n")
    #expect(try JSONLines.event(StepEvent.self, in: line, file: "steps.jsonl", number: 1) == event)
  }

  @Test(
    "numbers come back bit by bit",
    arguments: [1.0 / 3, .leastNonzeroMagnitude, 1.7976931348623157e308, -0.0])
  func bits(number: Double) throws {
    let event = StepEvent(step: 0, batch: "", loss: number, gradientNorm: 0, learningRate: 0)
    let read = try JSONLines.event(
      StepEvent.self, in: JSONLines.line(event), file: "steps.jsonl", number: 1)
    #expect(read.loss.bitPattern == number.bitPattern)
  }

  @Test("losses that are not finite stay readable")
  func nonfinite() throws {
    let event = StepEvent(
      step: 1, batch: "a", loss: .nan, gradientNorm: .infinity, learningRate: -.infinity)
    let line = JSONLines.line(event)
    #expect(
      line == #"{"step":1,"batch":"a","loss":"nan","grad_norm":"inf","lr":"-inf"}"# + "\n")
    let read = try JSONLines.event(StepEvent.self, in: line, file: "steps.jsonl", number: 1)
    #expect(read.loss.isNaN)
    #expect(read.gradientNorm == .infinity)
  }

  @Test("metrics are sorted by name")
  func metrics() throws {
    let event = MetricsEvent(
      step: 10, epoch: 0.5, seconds: 2, metrics: ["val/loss": 0.25, "val/VRMSE": 1])
    let line = JSONLines.line(event)
    #expect(
      line
        == #"{"step":10,"epoch":0.5,"seconds":2,"metrics":{"val/VRMSE":1,"val/loss":0.25}}"# + "\n")
    #expect(
      try JSONLines.event(MetricsEvent.self, in: line, file: "metrics.jsonl", number: 1) == event)
  }

  @Test("a broken line is named")
  func broken() {
    let error = #expect(throws: RecipeError.self) {
      try JSONLines.event(StepEvent.self, in: "{\"step\":", file: "steps.jsonl", number: 7)
    }
    #expect(
      error?.description
        == "steps.jsonl:7: not a line of this file: expected a JSON object with the fields of StepEvent"
    )
    #expect(error?.exitCode == .malformedData)
  }
}
