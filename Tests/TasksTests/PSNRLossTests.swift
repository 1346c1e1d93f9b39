import Recipes
import Tasks
import Tensors
import Testing

@Suite("The loss in decibels")
struct PSNRLossTests {
  private func loss(
    _ prediction: Tensor, _ target: Tensor, _ options: PlainValue = [:]
  ) throws -> Double {
    let type = try losses.entry(named: "psnr")
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(plain: options, at: SourceLocation(source: "test")), type.options, diagnostics)
    let loss = type.init(reader, diagnostics)
    try diagnostics.throwErrors()
    return loss(prediction: prediction, target: target).scalar
  }

  private let black = Tensor(zeros: [1, 3, 2, 2])
  private let gray = Tensor(filledWith: 0.1, shape: [1, 3, 2, 2])

  @Test("is minus the ratio of a range of 1, on channels or on luma")
  func value() throws {
    let channels = try loss(gray, black)
    #expect(abs(channels + 20) < 1e-4)
    // A gray of 0.1 differs from black by 0.1 · 219/255 in luma.
    let luma = try loss(gray, black, ["to_y": true])
    #expect(abs(luma + 21.322) < 1e-3)
  }

  @Test("is bounded by eps where nothing is wrong")
  func bound() throws {
    #expect(abs(try loss(gray, gray) + 80) < 1e-4)
    #expect(abs(try loss(gray, gray, ["eps": 1e-4]) + 40) < 1e-4)
    #expect(throws: RecipeError.self) { try loss(gray, gray, ["eps": 0]) }
  }
}
