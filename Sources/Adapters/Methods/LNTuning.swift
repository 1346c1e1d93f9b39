package import Formats
package import Recipes

/// Tuning of normalization layers (arXiv 2312.11420; as in PEFT 0.21.2, `LN_TUNING`): gains and shifts of
/// the chosen modules are trained, nothing else.
///
/// The base's own values are trained; a file has them as `ln_tuning_layers.weight` and `.bias` `[dim]`
/// below the module. Without `target_modules` all normalization layers take part.
package struct LNTuning: PEFTMethod {
  package static let name = "ln-tuning"
  package static let summary = "training of normalization layers alone (LN tuning)"
  package static let options: OptionTable = []
  package static let peftType = "LN_TUNING"
  package static let capabilities: AdapterCapabilities = [
    .modules, .mergeable, .zeroStart, .portable,
  ]
  package static let absentFields: Set<String> = ["bias"]

  package let fields = JSONObject()

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
}
