package import Recipes

/// The adaptation methods that recipes can name.
package let adapterMethods = Registry<any AdapterMethod.Type>(
  kind: "adapter method",
  [
    GatedLoRA.self,
    LoRA.self,
  ])
