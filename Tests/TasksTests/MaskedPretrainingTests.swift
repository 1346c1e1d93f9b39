import Tasks
import Testing

@Suite("Masked pretraining")
struct MaskedPretrainingTests {
  @Test("is judged by its own loss alone")
  func metrics() {
    #expect(MaskedPretraining.headline.name == ReconstructionLoss.name)
    #expect(MaskedPretraining.standardLoss == nil)
    #expect(Metrics.all.filter(MaskedPretraining.judges).map { $0.name } == ["loss"])
    #expect(!Metrics.all.filter(PDETask.judges).contains { $0.name == ReconstructionLoss.name })
  }

  @Test("nothing seen has no value")
  func empty() {
    var loss = ReconstructionLoss()
    loss.merge(ReconstructionLoss())
    #expect(loss.value.isNaN && ReconstructionLoss.lowerIsBetter)
  }
}
